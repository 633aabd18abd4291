// node run.mjs [CASE | --list]
import test from 'node:test';

import {cases} from './cases.mjs';

const wanted = process.argv[2];
if (wanted === '--list') {
  console.log(Object.keys(cases).join('\n'));
} else if (wanted !== undefined && !(wanted in cases)) {
  console.error(`${wanted}: no such case; there are: ${Object.keys(cases).join(' ')}`);
  process.exitCode = 2;
} else {
  for (const [name, run] of Object.entries(cases)) {
    if (wanted === undefined || wanted === name) test(name, {timeout: 300_000}, run);
  }
}
