"""What is written by hand where no SDK is: poll_loop.py URL CA TOKEN-FILE. Reads the GameServer every second, and
prints its opsState and the time when that is another one."""
import json
import ssl
import sys
import time
import urllib.request

url, ca, token_file = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
last = None
while True:
    try:
        with open(token_file, encoding="utf-8") as file:
            request = urllib.request.Request(url, headers={"Authorization": f"Bearer {file.read()}"})
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            state = json.load(answer)["spec"]["opsState"]
        if state != last:
            print(state, time.monotonic_ns(), flush=True)
            last = state
    except (OSError, ValueError, KeyError):
        pass
    time.sleep(1)
