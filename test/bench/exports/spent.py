"""Runs a command and prints {"seconds", "processorSeconds", "mebibytes"} of it and its children as the last line.

usage: spent.py PROGRAM [ARGUMENT ...]
"""
import json
import resource
import subprocess
import sys
import time

started = time.perf_counter()
ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
seconds = time.perf_counter() - started
if ended.returncode != 0:
    sys.exit(ended.returncode)
spent = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"seconds": seconds, "processorSeconds": spent.ru_utime + spent.ru_stime, "mebibytes": spent.ru_maxrss / 1024}))
