// SPDX-License-Identifier: Apache-2.0
// How pages look: pictures of fixed data beside those that were accepted, which lie in accepted/. And how much work they make,
// in counts that no machine changes: rows in the document, strokes for a brush, bytes on the wire.
//
// usage: node pictures.mjs TUNE FOLDER [--accept REFERENCES]     what was found is left in FOLDER; --accept writes references
//
// Pictures are compared at a quarter of their size, tile by tile, so that smoothed edges do not count and a thing that moved does. Fonts
// and browsers draw differently: references say what they were made with, and elsewhere are not compared.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch, Stage } from './stage.mjs';

const [tune, found, accept, into] = process.argv.slice(2);
const references = into ?? path.join(path.dirname(fileURLToPath(import.meta.url)), 'accepted');
const findings = [];
const finding = (what) => findings.push(what) && console.log('FOUND: ' + what);
mkdirSync(found, { recursive: true });
mkdirSync(references, { recursive: true });

const params = { lr: { type: 'loguniform', min: 1e-4, max: 1 }, width: { type: 'int', min: 8, max: 256 }, dropout: { type: 'uniform', min: 0, max: 0.5 }, opt: ['adam', 'sgd'] };
const simulated = (trials, steps) => ({
  command: ['true'], params, objective: { metric: 'loss', goal: 'minimize' }, search: { type: 'random' }, scheduler: { type: 'fifo' }, seed: 7,
  executor: { type: 'simulator', from: 'curve', workers: 6, steps, crash: 0.02 }, stop: { trials, max_failures: trials },
});

// In virtual time and by chance that a seed draws, so that a clock says nothing of them; and one of programs, for two objectives.
const drawn = { search: { type: 'random' }, seed: 7 };
const experiments = {
  some: simulated(150, 9),
  many: simulated(10000, 1),
  halving: { ...simulated(120, 27), scheduler: { type: 'asha', max_step: 27 }, tags: ['demo'] },
  population: {
    ...drawn, command: ['true'], params: { h0: { type: 'uniform', min: 0, max: 1 }, h1: { type: 'uniform', min: 0, max: 1 } }, objective: { metric: 'Q', goal: 'maximize' },
    checkpoint: { every: 5 }, scheduler: { type: 'pbt', population: 8, interval: 5, max_step: 60 }, executor: { type: 'simulator', from: 'pbt', workers: 4 }, stop: { trials: 8 },
  },
  goals: {
    ...drawn, command: ['awk', '-v', 'x=${x}', '-v', 'k=${k}', 'BEGIN { printf "::tune {\\"error\\": %g, \\"size\\": %g}\\n", x * x + k, 2 - x + k / 3 }'],
    params: { x: { type: 'uniform', min: 0, max: 1 }, k: { type: 'int', min: 0, max: 3 } }, executor: { type: 'process', parallel: 1 },
    objectives: [{ metric: 'error', goal: 'minimize' }, { metric: 'size', goal: 'minimize' }], stop: { trials: 40 },
  },
};

// Every page, and views of some. Add one: a line here, and `run pictures FOLDER TUNE --accept`. What a clock, a process or this
// machine says on them is masked.
const pages = {
  experiments: '/',
  'compare-experiments': '/compare?x=some,halving',
  overview: '/x/halving',
  explore: '/x/some/explore',
  brushed: '/x/some/explore?b=params.lr:0.001~0.05&where=width%20%3E%20100',
  curves: '/x/halving/curves',
  rungs: '/x/halving/schedule',
  timeline: '/x/halving/schedule?view=timeline',
  population: '/x/population/schedule',
  trials: '/x/some/trials?cols=number,value,params.lr,params.width,params.opt',
  trial: '/x/halving/trials/3',
  compare: '/x/halving/compare?t=1,2,3',
  pareto: '/x/goals/pareto',
  model: '/x/some/model',
  config: '/x/population/config?vs=of:halving',
  workers: '/x/halving/workers',
  events: '/x/halving/events?show=Stops',
};

/** In the page: what is not the same the next time is written over. */
function mask(words) {
  const rules = [
    [/([\d.]+ (ms|s|min|h|d) ?)+ago|just now/g, 'a while ago'],
    [/\d{4}-\d\d-\d\d \d\d:\d\d/g, '2000-01-01 00:00'],
    [/ \(thought for [^)]*\)/g, ''],
    [/\bpid \d+/g, 'pid 1'],
    [/\btune \d+\.\S+/g, 'tune 0'],
    ...words,
  ];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = texts.nextNode()); ) {
    const text = rules.reduce((all, [said, instead]) => all.replaceAll(said, instead), node.data);
    if (text !== node.data) node.data = text;
  }
}

/** A quarter of the size and 16 levels a colour: small in the tree, and what one pixel does is not seen. */
async function reduced(page, png) {
  return page.evaluate(async (bytes) => {
    const image = await createImageBitmap(await (await fetch('data:image/png;base64,' + bytes)).blob());
    const canvas = Object.assign(document.createElement('canvas'), { width: image.width / 4, height: image.height / 4 });
    const context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    const data = context.getImageData(0, 0, canvas.width, canvas.height);
    for (let k = 0; k < data.data.length; ++k) data.data[k] = Math.min(255, Math.round(data.data[k] / 17) * 17);
    context.putImageData(data, 0, 0);
    return canvas.toDataURL('image/png').split(',')[1];
  }, png.toString('base64'));
}

/** Tiles of 8 by 8 (32 in the page) whose mean differs by more than 12 of 255 in a colour, or of whose pixels a quarter differ by more than 48. */
async function unlike(page, one, other) {
  return page.evaluate(async ([one, other]) => {
    const load = async (bytes) => {
      const image = await createImageBitmap(await (await fetch('data:image/png;base64,' + bytes)).blob());
      const context = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height }).getContext('2d');
      context.drawImage(image, 0, 0);
      return context.getImageData(0, 0, image.width, image.height);
    };
    const [a, b] = [await load(one), await load(other)];
    if (a.width !== b.width || a.height !== b.height) return [`${b.width}x${b.height} and not ${a.width}x${a.height}`];
    const tiles = [];
    for (let y0 = 0; y0 + 8 <= a.height; y0 += 8)
      for (let x0 = 0; x0 + 8 <= a.width; x0 += 8) {
        const sum = [0, 0, 0];
        let far = 0;
        for (let y = y0; y < y0 + 8; ++y)
          for (let x = x0; x < x0 + 8; ++x) {
            let most = 0;
            for (let c = 0; c < 3; ++c) {
              const d = b.data[4 * (y * a.width + x) + c] - a.data[4 * (y * a.width + x) + c];
              sum[c] += d;
              most = Math.max(most, Math.abs(d));
            }
            far += most > 48;
          }
        if (far > 16 || sum.some((s) => Math.abs(s) > 12 * 64)) tiles.push(`${4 * x0},${4 * y0}`);
      }
    return tiles;
  }, [one, other]);
}

/** What pictures depend on besides the page. */
async function made(browser, page) {
  const widths = await page.evaluate(() => {
    const c = document.createElement('canvas').getContext('2d');
    return ['sans-serif', 'monospace', 'system-ui'].map((font) => ((c.font = `100px ${font}`), Math.round(c.measureText('Hamburgefonstiv 0123456789').width)));
  });
  return `Chromium ${browser.version().split('.')[0]}, fonts ${widths.join(' ')}\n`;
}

/** What the page has asked for and has no answer to; a stream never ends. */
function unanswered(page) {
  const open = new Set();
  page.on('request', (r) => r.url().endsWith('/stream') || open.add(r));
  for (const over of ['requestfinished', 'requestfailed']) page.on(over, (r) => open.delete(r));
  return open;
}

async function shoot(page, open, url, words) {
  await page.goto(url, { waitUntil: 'load' });
  await page.waitForFunction(() => document.querySelector('main') && !document.querySelector('.skeleton'), null, { timeout: 60000 });
  await page.mouse.move(0, 0);
  let before = null;
  for (let tries = 0; tries < 100; ++tries) {  // Until two in a row are one: all is answered, drawn, and at rest.
    await page.waitForTimeout(300);
    if (open.size) continue;
    await page.evaluate(mask, words);
    const now = await page.screenshot({ animations: 'disabled', caret: 'hide' });
    if (before?.equals(now)) return now;
    before = now;
  }
  finding(`${url} never rests`);
  return before;
}

async function compare(browser, stage, { origin, token }) {
  const desk = await browser.newPage();  // For arithmetic on pictures, in a page of no policy.
  const made_with = await made(browser, desk);
  const note = path.join(references, 'made-with');
  const known = existsSync(note) ? readFileSync(note, 'utf8') : '';
  if (!accept && known !== made_with) {
    console.log(`SKIP: how pages look is not compared: here is ${made_with.trim()}, and pictures were accepted with ${known.trim() || 'none'}`);
    return false;
  }
  const words = [[stage.folder, '/stores'], [new RegExp(`\\b${hostname()}\\b`, 'g'), 'here']];
  for (const scheme of ['light', 'dark']) {
    const context = await browser.newContext({ colorScheme: scheme, viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', timezoneId: 'UTC' });
    await context.request.get(`${origin}/?token=${token}`);
    const page = await context.newPage();
    const open = unanswered(page);
    for (const [name, at] of Object.entries(pages)) {
      const file = `${name}-${scheme}.png`;
      const now = await reduced(desk, await shoot(page, open, origin + at, words));
      writeFileSync(path.join(accept ? references : found, file), Buffer.from(now, 'base64'));
      if (accept) continue;
      const wanted = path.join(references, file);
      if (!existsSync(wanted)) finding(`${file} was never accepted`);
      else {
        const tiles = await unlike(desk, readFileSync(wanted).toString('base64'), now);
        if (tiles.length) finding(`${file} looks other than accepted at ${tiles.slice(0, 6).join(' ')}${tiles.length > 6 ? ` and ${tiles.length - 6} more places` : ''}`);
      }
    }
    // A comparison that never finds anything is worth nothing: two small changes that it has to see.
    const first = await reduced(desk, await shoot(page, open, origin + pages.explore, words));
    for (const [what, change] of [['a line that moved', () => (document.querySelector('main').style.paddingTop = '12px')], ['another colour', () => (document.querySelector('main input').style.background = 'rgb(200 60 60)')]]) {
      await page.evaluate(change);
      await page.waitForTimeout(600);
      const changed = await reduced(desk, await page.screenshot({ animations: 'disabled', caret: 'hide' }));
      if (!(await unlike(desk, first, changed)).length) finding(`the comparison does not see ${what}`);
    }
    await context.close();
  }
  if (accept) writeFileSync(note, made_with);
  await desk.close();
  return true;
}

/** Counts instead of milliseconds, for a machine that is busy with other tests. */
async function work(browser, { origin, token }) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
  await context.request.get(`${origin}/?token=${token}`);
  const page = await context.newPage();
  await page.addInitScript(() => {
    globalThis.calls = 0;
    for (const call of ['stroke', 'fill', 'fillRect', 'fillText', 'drawImage'])
      CanvasRenderingContext2D.prototype[call] = new Proxy(CanvasRenderingContext2D.prototype[call], { apply: (own, on, words) => (++globalThis.calls, Reflect.apply(own, on, words)) });
  });
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  let bytes = 0;
  session.on('Network.loadingFinished', (e) => (bytes += e.encodedDataLength));
  const atMost = (what, count, most) => {
    console.log(`${what}: ${count} of at most ${most}`);
    if (!(count <= most)) finding(`${what}: ${count}, and ${most} would do`);
  };
  const resting = async () => {
    for (let calls = -1; ; await page.waitForTimeout(400)) {
      const now = await page.evaluate(() => globalThis.calls);
      if (now === calls) return now;
      calls = now;
    }
  };
  await page.goto(origin + '/x/many/explore');
  await page.waitForSelector('.parallel button.name');
  await resting();
  atMost('kilobytes to the page of 10,000 trials', Math.round(bytes / 1024), 1500);
  const box = await page.locator('.parallel').boundingBox();
  const axis = await page.locator('.parallel button.name').nth(1).boundingBox();
  const x = axis.x + axis.width / 2;
  await page.mouse.move(x, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(x, box.y + 0.7 * box.height);
  const before = await resting();
  await page.mouse.move(x, box.y + 0.8 * box.height);
  atMost('strokes for a move of the brush over 10,000 trials', (await resting()) - before, 600);
  await page.mouse.up();
  await session.send('HeapProfiler.collectGarbage');
  const heap = await session.send('Runtime.getHeapUsage');
  atMost('megabytes of a page of 10,000 trials', Math.round((heap.usedSize + (heap.backingStorageSize ?? 0)) / (1 << 20)), 50);
  await page.goto(origin + '/x/many/trials');
  await page.waitForSelector('[role=row][aria-rowindex="2"]');
  atMost('rows in the document of 10,000', await page.locator('[role=grid] [role=row]').count(), 80);
  await page.locator('[role=grid]').evaluate((e) => (e.scrollTop = e.scrollHeight / 2));
  await page.waitForFunction(() => [...document.querySelectorAll('[role=grid] [role=row]')].some((r) => Number(r.ariaRowIndex ?? r.getAttribute('aria-rowindex')) > 4000));
  atMost('rows in the document after a jump', await page.locator('[role=grid] [role=row]').count(), 80);
  bytes = 0;
  await page.waitForTimeout(1500);
  atMost('kilobytes while nothing happens', Math.round(bytes / 1024), 4);
  await context.close();
}

async function main() {
  const browser = await launch('how pages look');
  const stage = new Stage(tune);
  for (const [name, config] of Object.entries(experiments)) stage.make(name, config);
  const { server, origin } = await stage.serve('tune.db', 'ui', '--addr', '127.0.0.1:0');
  const token = readFileSync(path.join(stage.folder, 'tune.db.d', 'token'), 'utf8').trim();
  let compared = false;
  try {
    await work(browser, { origin, token });
    compared = await compare(browser, stage, { origin, token });
  } finally {
    await browser.close();
    server.removeAllListeners('exit');
    server.kill('SIGTERM');
  }
  console.log(`${compared ? 2 * Object.keys(pages).length : 0} pictures ${accept ? 'accepted' : 'compared'}, ${findings.length} findings`);
  return findings.length ? 1 : compared ? 0 : 77;
}

main().catch((e) => (finding(String(e.stack ?? e)), 1)).then((code) => process.exit(code));
