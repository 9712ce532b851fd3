#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""s_time.py ADDRESS VERSION: OpenSSL's own measure of what connections with a resumed session cost,
"openssl s_time -reuse" with one small request on each; prints its CPU per call as load.c prints times."""
import json
import os
import re
import subprocess
import sys
import time

address, version = sys.argv[1:]
start = time.monotonic()
process = subprocess.Popen(['openssl', 's_time', '-connect', address, '-reuse', f'-{version}', '-www', '/answer.limit',
                            '-time', '1'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
output = process.stdout.read()
_, status, usage = os.wait4(process.pid, 0)
calls = int(re.search(r'(\d+) connections in', output).group(1))
resumed = re.search(r'starting\n(r+)\n', output)
if status or not resumed or len(resumed.group(1)) < calls:
    sys.exit(f's_time has not resumed {calls} sessions: {output[-200:]}')
print(json.dumps({'calls': calls, 'seconds': time.monotonic() - start, 'reconnects': 0,
                  'cpu_s': usage.ru_utime + usage.ru_stime}))
