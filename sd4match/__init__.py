"""SD4Match: matching keypoints with prompted features of a frozen Stable Diffusion UNet."""
