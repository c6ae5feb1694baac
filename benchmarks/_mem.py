import sys, tracemalloc, gc; sys.path.insert(0,'benchmarks')
from made_up import run, space_in
from study.engine import cluster
import tempfile, pathlib
n=0; snaps=[]
def on():
    global n; n+=1
    if n in (300,1300): gc.collect(); snaps.append(tracemalloc.take_snapshot())
with tempfile.TemporaryDirectory() as f, cluster.joined(space_in(pathlib.Path(f))):
    tracemalloc.start(8)
    run([0.0]*1310,{"CPU":1},workers=2,on_done=on)
for s in snaps[1].compare_to(snaps[0],'traceback')[:14]:
    print(s.size_diff/1000, s.count_diff); print("\n".join(s.traceback.format()[-10:]))
