// SPDX-License-Identifier: Apache-2.0
// What a person in front of the dashboard waits for. Run by `measure`, which says what each row is.
//
// usage: node pages.mjs ROW ORIGIN TOKEN EXPERIMENT [SECONDS]     prints one line of JSON: milliseconds, and bytes
//
// A picture is there when the frame after its last stroke has been made: without a GPU, Chromium fills a canvas on the page's own
// thread before it takes up the next frame. So all that draws on a canvas is watched, and the frame after it is what counts.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const [row, origin, token, name, seconds] = process.argv.slice(2);
const { chromium } = createRequire(path.join(process.cwd(), 'package.json'))('playwright-core');
const executablePath = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

/** In the page, before anything of its own. */
function watchDrawing() {
  const seen = { strokes: 0, shown: 0, rows: 0, frames: null };
  globalThis.bench = seen;
  let waiting = false;
  const drew = () => {
    ++seen.strokes;
    if (waiting) return;
    waiting = true;
    // Asked for while a frame is being made this comes in the next one, else two frames are waited for: the one with the
    // stroke, and the one that can only begin when that is done.
    requestAnimationFrame(() => requestAnimationFrame(() => ((waiting = false), (seen.shown = performance.now()))));
  };
  for (const call of ['stroke', 'fill', 'fillRect', 'fillText', 'strokeRect', 'putImageData', 'drawImage', 'clearRect']) {
    const own = CanvasRenderingContext2D.prototype[call];
    CanvasRenderingContext2D.prototype[call] = function (...words) {
      drew();
      return own.apply(this, words);
    };
  }
  const rows = () => {
    if (document.querySelector('[role=row][aria-rowindex="2"], tbody tr')) seen.rows = performance.now();
    else requestAnimationFrame(rows);
  };
  requestAnimationFrame(rows);
  seen.keepFrames = () => {
    seen.frames = [];
    let before = performance.now();
    const frame = (now) => (seen.frames.push(now - before), (before = now), requestAnimationFrame(frame));
    requestAnimationFrame((now) => ((before = now), requestAnimationFrame(frame)));
  };
  /** Resolves when something was drawn since `strokes` and then nothing for `calm` ms; to the time at which the last was shown. */
  seen.settled = (strokes, calm) =>
    new Promise((resolve) => {
      let last = seen.strokes;
      let since = performance.now();
      const look = () => {
        if (seen.strokes !== last || waiting) (last = seen.strokes), (since = performance.now());
        if (last > strokes && performance.now() - since >= calm && !document.querySelector('.skeleton')) resolve(seen.shown);
        else requestAnimationFrame(look);
      };
      look();
    });
}

const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(q * values.length) - 1)];

/** All that the page's objects hold after a collection: those of scripts, of the document, and arrays' contents. */
async function heap(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const now = await session.send('Runtime.getHeapUsage');
  return now.usedSize + (now.embedderHeapUsedSize ?? 0) + (now.backingStorageSize ?? 0);
}

async function open(page, at) {
  await page.goto(origin + at, { waitUntil: 'commit' });
  const drawn = await page.evaluate(() => globalThis.bench.settled(0, 500));
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
  const rows = await page.evaluate(() => globalThis.bench.rows);
  return { first_paint: paint, charts: drawn, usable: Math.max(drawn, rows) };
}

/** A brush drawn along the third axis, one move after the other, each waited for until all views have followed it. */
async function brush(page, moves) {
  const box = await page.locator('.parallel').boundingBox();
  const axis = await page.locator('.parallel button.name').nth(2).boundingBox();
  const x = axis.x + axis.width / 2;
  const y = (share) => box.y + 40 + share * (box.height - 60);
  await page.mouse.move(x, y(0));
  await page.mouse.down();
  const answered = [];
  for (let i = 0; i < moves; ++i) {
    await page.evaluate(() => {
      const { bench } = globalThis;
      const strokes = bench.strokes;
      bench.move = new Promise((resolve) =>
        addEventListener('pointermove', (e) => bench.settled(strokes, 120).then((shown) => resolve(shown - e.timeStamp)), { once: true, capture: true }),
      );
    });
    // To and fro between narrow and wide, so that no move is like the one before.
    await page.mouse.move(x, y(0.25 + 0.7 * Math.abs(Math.sin(1 + i * 0.7))));
    answered.push(await page.evaluate(() => globalThis.bench.move));
  }
  await page.mouse.up();
  return answered;
}

/** Frames of a table that is scrolled by a wheel, ten rows or more at every turn, then by jumps as a thumb makes them. */
async function scroll(page) {
  const box = await page.locator('[role=grid]').boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.waitForTimeout(300);
  await page.evaluate(() => globalThis.bench.keepFrames());
  const until = Date.now() + 4000;
  while (Date.now() < until) await page.mouse.wheel(0, 300);
  const wheel = await page.evaluate(() => globalThis.bench.frames.splice(0));
  const moved = await page.locator('[role=grid]').evaluate((e) => e.scrollTop);
  if (moved < 28 * 200) throw new Error(`the table was not scrolled: ${moved} px`);
  await page.locator('[role=grid]').evaluate(async (e) => {
    globalThis.bench.frames.splice(0);
    for (let i = 0; i < 120; ++i) {
      e.scrollTop = ((i * 37) % 120) * (e.scrollHeight / 121);
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  });
  const jumps = await page.evaluate(() => globalThis.bench.frames.splice(0));
  return { wheel, jumps };
}

/** Columns as docs/formats/columns.md has them, until every value was looked at. */
async function wire(page, columns) {
  return page.evaluate(async ([at, count]) => {
    const answer = await fetch(at);
    const buffer = await answer.arrayBuffer();
    const length = new DataView(buffer).getUint32(8, true);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 12, length)));
    const arrays = { f64: Float64Array, i32: Int32Array, u8: Uint8Array, u32: Uint32Array };
    let values = 0;
    for (const c of head.columns) {
      const data = new arrays[c.type](buffer, 12 + length + c.offset, head.rows);
      for (let i = 0; i < data.length; ++i) values += data[i] === data[i] ? 1 : 0;
    }
    const parsed = performance.now();
    const sent = performance.getEntriesByType('resource').findLast((e) => e.name.endsWith(at)).responseStart;
    if (head.columns.length !== count || values < 0.9 * head.rows * count) throw new Error(`${head.columns.length} columns, ${values} values`);
    return { wire: parsed - sent, rows: head.rows, bytes: buffer.byteLength };
  }, [`/api/v1/experiments/${name}/columns?cols=${columns.join(',')}`, columns.length]);
}

/** The overview of an experiment that runs, left alone for a while. */
async function live(page) {
  const session = await page.context().newCDPSession(page);
  let events = 0;
  session.on('Network.eventSourceMessageReceived', () => ++events);
  await session.send('Network.enable');
  const seq = async () => (await page.evaluate(async (at) => (await (await fetch(at)).json()).seq, `/api/v1/experiments/${name}`));
  await page.goto(`${origin}/x/${name}`, { waitUntil: 'commit' });
  await page.evaluate(() => globalThis.bench.settled(0, 0));
  await page.waitForTimeout(2000);
  const [before, strokes, told] = [await seq(), await page.evaluate(() => globalThis.bench.strokes), events];
  const began = Date.now();
  await page.evaluate(() => globalThis.bench.keepFrames());
  await page.waitForTimeout(seconds * 1000);
  const frames = await page.evaluate(() => globalThis.bench.frames);
  const took = (Date.now() - began) / 1000;
  const redrawn = (await page.evaluate(() => globalThis.bench.strokes)) - strokes;
  if (!redrawn || events === told) throw new Error(`the page did not follow: ${events - told} events, ${redrawn} strokes`);
  return { frames_p99: quantile(frames, 0.99), frames_max: Math.max(...frames), records_per_s: ((await seq()) - before) / took, events_per_s: (events - told) / took };
}

const browser = await chromium.launch({
  executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  context.setDefaultTimeout(120000);
  const page = await context.newPage();
  await page.goto('about:blank');
  await context.request.get(`${origin}/?token=${token}`);  // Lets the context in without filling its cache.
  await page.addInitScript(watchDrawing);
  let found;
  if (row === 'overview') {
    found = await open(page, `/x/${name}`);
    found.heap = await heap(page);
  } else if (row === 'explore') {
    found = await open(page, `/x/${name}/explore`);
    found.heap = await heap(page);
    const moves = await brush(page, 40);
    found.brush_p95 = quantile(moves, 0.95);
    found.brush_median = quantile(moves, 0.5);
    found.heap = Math.max(found.heap, await heap(page));
  } else if (row === 'table') {
    await page.goto(`${origin}/x/${name}/trials`);
    await page.waitForSelector('[role=row][aria-rowindex="2"]');
    const usable = await page.evaluate(() => globalThis.bench.rows);
    const { wheel, jumps } = await scroll(page);
    found = { usable, scroll_p99: quantile(wheel, 0.99), jumps_p99: quantile(jumps, 0.99), frames: wheel.length, heap: await heap(page) };
  } else if (row === 'wire') {
    await page.goto(`${origin}/favicon.svg`).catch(() => {});
    found = await wire(page, ['value', 'params.lr', 'params.width', 'params.depth', 'params.dropout', 'params.momentum', 'params.decay', 'params.warmup', 'params.batch']);
  } else if (row === 'live') {
    found = await live(page);
  } else throw new Error(`there is no row ${row}`);
  console.log(JSON.stringify(found));
} finally {
  await browser.close();
}
