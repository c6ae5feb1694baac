"""Speed and memory, measured as ratios where possible: ``python -m benchmarks`` lists them."""
