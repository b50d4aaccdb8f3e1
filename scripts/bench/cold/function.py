# A container of a Python function, for the benchmark of cold starts. It does what function.ts does for a bundle: it loads
# lambda_function.py, invokes it on request, and reports the times and the resources by Node's channel for messages.
import gc
import json
import os
import resource
import socket
import sys
import time

channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))


class Context:
    aws_request_id = "bench"

    def get_remaining_time_in_millis(self):
        return 60_000


def peak_of_memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1_024 for line in status if line.startswith("VmHWM:"))


def report(result=None):
    usage = resource.getrusage(resource.RUSAGE_SELF)
    message = {
        "at": time.time() * 1_000,
        "cpu": (usage.ru_utime + usage.ru_stime) * 1_000,
        "peak": peak_of_memory(),
        "heap": 0,
        "result": result,
    }
    channel.sendall((json.dumps(message) + "\n").encode())


sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
from lambda_function import lambda_handler  # noqa: E402

report()
for line in channel.makefile("r"):
    order = json.loads(line)
    result = None
    for event in order["events"]:
        result = lambda_handler(event, Context())
    if order["collect"]:
        gc.collect()
    report(result)
