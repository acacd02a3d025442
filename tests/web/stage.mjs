// SPDX-License-Identifier: Apache-2.0
// What tests of pages share: stores that real sweeps made, a `tune` that serves them, and a browser.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

/** Ends with 77 where there is no browser. */
export async function launch(what) {
  const executablePath = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
  if (!executablePath) {
    console.log(`SKIP: ${what}: there is no chromium (Debian package chromium)`);
    process.exit(77);
  }
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

/** A folder of stores, gone when the process ends. */
export class Stage {
  folder = mkdtempSync(path.join(tmpdir(), 'tune-web-'));
  constructor(tune) {
    this.tune = path.resolve(tune);
    process.on('exit', () => rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  }

  /** Runs a sweep to its end. */
  make(name, config, store = 'tune.db') {
    const file = path.join(this.folder, `${name}.json`);
    writeFileSync(file, JSON.stringify({ name, ...config }));
    const done = spawnSync(this.tune, ['--store', path.join(this.folder, store), 'sweep', file, '-q'], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`sweep ${name}: exit ${done.status}\n${done.stderr}`);
  }

  /** A `tune` that serves pages, and the address with which it lets a browser in. */
  async serve(store, ...words) {
    const server = spawn(this.tune, ['--store', path.join(this.folder, store), ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    const address = await new Promise((resolve, reject) => {
      const look = (data) => {
        said += data;
        const found = /http:\/\/\S+token=[0-9a-f]+/.exec(said);
        if (found) resolve(found[0]);
      };
      server.stdout.on('data', look), server.stderr.on('data', look);
      server.on('exit', (code) => reject(new Error(`tune ${words[0]} ended with ${code}: ${said}`)));
    });
    return { server, address, origin: new URL(address).origin };
  }
}
