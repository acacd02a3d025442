// SPDX-License-Identifier: Apache-2.0
// Every page of the dashboard in a real browser, against a real `tune ui` over stores that real sweeps made.
//
// usage: node pages.mjs TUNE [FOLDER FOR PICTURES]
//
// Pages are found as people find them: by the links of each experiment's navigation. Each is opened in light and dark and must
// raise no error, ask nobody but its own server, pass axe, not be wider than the window, and hold what users wrote as text.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { launch, Stage } from './stage.mjs';

const [tune, pictures] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const stage = new Stage(tune);
const { folder } = stage;
const findings = [];
const finding = (what) => findings.push(what) && console.log('FOUND: ' + what);
if (pictures) mkdirSync(pictures, { recursive: true });

const poison = `<img src=x onerror="window.__pwned=1">'";--\u202e\u001b[31m`;

// Experiments of the kinds that have pages of their own, and one whose every text is hostile.
const curve = { lr: { type: 'loguniform', min: 1e-4, max: 1 }, width: { type: 'int', min: 8, max: 256 }, opt: ['adam', 'sgd'], momentum: { type: 'uniform', min: 0, max: 0.99, when: { opt: 'sgd' } } };
const simulated = (from) => ({ command: ['true'], executor: { type: 'simulator', from, workers: 6, crash: 0.02 } });
const experiments = {
  halving: { ...simulated('curve'), params: curve, objective: { metric: 'loss', goal: 'minimize' }, scheduler: { type: 'asha', max_step: 27 }, stop: { trials: 150 }, tags: ['demo'] },
  population: {
    ...simulated('pbt'), params: { h0: { type: 'uniform', min: 0, max: 1 }, h1: { type: 'uniform', min: 0, max: 1 } }, objective: { metric: 'Q', goal: 'maximize' }, checkpoint: { every: 5 },
    scheduler: { type: 'pbt', population: 8, interval: 5, max_step: 100 }, stop: { trials: 8 },
  },
  goals: {
    command: ['awk', '-v', 'x=${x}', '-v', 'k=${k}', 'BEGIN { if (x > 0.95) exit 3; y = x < 0.05 ? "\\"nan\\"" : x * x + k; printf "::tune {\\"error\\": %s, \\"seconds\\": %g}\\n", y, 2 - x + k / 3 }'],
    params: { x: { type: 'uniform', min: 0, max: 1 }, k: { type: 'int', min: 0, max: 3 } },
    objectives: [{ metric: 'error', goal: 'minimize' }, { metric: 'seconds', goal: 'minimize' }],
    search: { type: 'random' }, stop: { trials: 40, max_failures: 40 },
  },
  poison: {
    description: poison, tags: [poison],
    command: ['sh', '-c', 'printf "%s\\n" "$TUNE_P_NAME" "$TUNE_P_NAME" >&2; printf "%s\\n" "$TUNE_P_NAME"; printf "::tune {\\"loss\\": 1, \\"%s\\": 2}\\n" "<b>metric</b>"'],
    params: { name: { type: 'choice', values: [poison, '</script><script>window.__pwned=1</script>', 'plain'] }, p: { type: 'uniform', min: 0, max: 1, doc: poison, unit: '<u>' } },
    objective: { metric: 'loss', goal: 'minimize' }, search: { type: 'random' }, stop: { trials: 5 },
  },
};

// Pages as they are once somebody has asked something of them.
const views = [
  '/x/halving/trials?group=params.opt&sort=value&pin=number,params.lr&heat=1', '/x/halving/trials?where=loss+%3C+1+and+tag+%3D+keep+and+(lr+%3C+1+or+nonsense+%3C+2)',
  '/x/halving/compare?t=1,2,3', '/x/poison/compare?t=0,1&numbers=1', '/x/population/schedule?view=lineage', '/x/halving/config?vs=of:population', '/x/poison/config',
];

/** Of files: the same file. */
function sameOrigin(a, b) {
  const [x, y] = [new URL(a), new URL(b)];
  return x.protocol === 'file:' ? y.protocol === 'file:' && x.pathname === y.pathname : x.origin === y.origin;
}

/** Opens a page and waits until it has read what it shows; nothing, or what is wrong. */
async function arrive(page, url) {
  await page.goto(url, { waitUntil: 'load' });
  await page.waitForSelector('main', { timeout: 60000 });
  const read = await page.waitForFunction(() => !document.querySelector('.skeleton'), null, { timeout: 60000 }).catch(() => null);
  await page.waitForTimeout(300);
  return read ? '' : 'it never ends reading';
}

/** Opens a page and tells what is wrong with it. */
async function visit(page, url, label) {
  const wrong = [];
  const listen = {
    console: (m) => m.type() === 'error' && wrong.push('console: ' + m.text()),
    pageerror: (e) => wrong.push('error: ' + e.message),
    request: (r) => !sameOrigin(r.url(), url) && !/^(data|blob):/.test(r.url()) && wrong.push('request elsewhere: ' + r.url()),
    response: (r) => r.status() >= 400 && wrong.push(`${r.status()} for ${r.url()}`),
  };
  for (const [event, listener] of Object.entries(listen)) page.on(event, listener);
  const late = await arrive(page, url);
  if (late) wrong.push(late);
  if (await page.evaluate(() => 'window' in globalThis && window.__pwned)) wrong.push('what a user wrote was run');
  for (const width of [1280, 800]) {
    await page.setViewportSize({ width, height: 800 });
    const fits = () => document.scrollingElement.scrollWidth <= innerWidth;
    await page.waitForFunction(fits, null, { timeout: 3000 }).catch(() => wrong.push(`it is wider than a window of ${width}`));
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.waitForTimeout(150);
  wrong.push(...(await violations(page)));
  if (pictures) await page.screenshot({ path: path.join(pictures, label.replace(/[^a-z0-9]+/gi, '-') + '.png'), fullPage: false });
  for (const [event, listener] of Object.entries(listen)) page.off(event, listener);
  return wrong;
}

async function violations(page) {
  await page.evaluate(axe);  // By the debugger: the page's own policy forbids it to add scripts.
  const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return result.violations.map((v) => `axe ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(' | ')}`);
}

/** Every chart of the page as an SVG: XML, with marks in it, and nothing that a viewer would run. */
async function drawings(page) {
  const wrong = [];
  const buttons = await page.$$('button[title="Save as SVG"]');
  for (const [i, button] of buttons.entries()) {
    const [download] = await Promise.all([page.waitForEvent('download', { timeout: 30000 }).catch(() => null), button.click()]);
    if (!download) {
      wrong.push(`${await button.evaluate((b) => b.closest('section').querySelector('h2').textContent)} offers itself as SVG and is not saved`);
      continue;
    }
    const text = readFileSync(await download.path(), 'utf8');
    if (pictures) writeFileSync(path.join(pictures, `${new URL(page.url()).pathname.replace(/[^a-z0-9]+/gi, '-')}-${i}.svg`), text);
    const seen = await page.evaluate((svg) => {
      const xml = new DOMParser().parseFromString(svg, 'image/svg+xml');
      const all = [...xml.querySelectorAll('*')];
      return {
        broken: xml.querySelector('parsererror')?.textContent ?? (xml.documentElement.nodeName === 'svg' ? '' : 'the root is no svg'),
        marks: xml.querySelectorAll('path[d*="M"]').length,
        texts: xml.querySelectorAll('text').length,
        odd: all.map((e) => e.nodeName).filter((n) => !['svg', 'title', 'rect', 'path', 'text', 'g', 'clipPath'].includes(n)),
        numberless: all.some((e) => [...e.attributes].some((a) => a.name !== 'font-family' && /NaN|undefined|Infinity/.test(a.value))),
      };
    }, text);
    const name = download.suggestedFilename();
    if (seen.broken) wrong.push(`${name} is no XML: ${seen.broken}`);
    if (seen.marks < 2 || !seen.texts) wrong.push(`${name} has ${seen.marks} marks and ${seen.texts} texts`);
    if (seen.odd.length) wrong.push(`${name} holds ${seen.odd[0]}`);
    if (seen.numberless) wrong.push(`${name} has a place that is no number`);
  }
  return { saved: buttons.length, wrong };
}

/** A harness that finds nothing is worth nothing: here is a page with everything that it should find. */
async function control(page, origin) {
  await page.route('**/x/broken', (route) => route.fulfill({
    contentType: 'text/html',
    body: '<!doctype html><html><body><main style="width:3000px"><img src="http://127.0.0.1:9/x.png"><script>window.__pwned=1;throw new Error("on purpose")</script></main></body></html>',
  }));
  const wrong = (await visit(page, origin + '/x/broken', 'control')).join('\n');
  for (const wanted of ['error: on purpose', 'request elsewhere', 'was run', 'wider than', 'axe image-alt', 'axe html-has-lang'])
    if (!wrong.includes(wanted)) finding(`the control page was not found to be wrong: ${wanted}`);
}

/** The table of trials: conditions are the filter's text and the other way round, groups unfold, curves come, columns stay. */
async function table(page, origin) {
  const expect = (holds, what) => holds || finding(`the table of trials: ${what}`);
  const where = () => page.inputValue('[aria-label^="Filter"]');
  await page.goto(origin + '/x/halving/trials');
  await page.waitForSelector('.table path[d^=M]', { state: 'attached', timeout: 20000 }).catch(() => finding('the table of trials draws no curve'));
  await page.click('text=Conditions');
  await page.click('text=+ Condition');
  await page.getByLabel('Value', { exact: true }).fill('1');
  await page.click('text=+ Condition');
  await page.getByLabel('Column', { exact: true }).nth(1).selectOption('params.opt');
  await page.getByLabel('Operator', { exact: true }).nth(1).selectOption('!=');
  expect((await where()) === 'value < 1 and opt != "adam"', `conditions are written as ${await where()}`);
  await page.fill('[aria-label^="Filter"]', 'opt = "sgd" and valve < 2');
  expect((await page.getByLabel('Value', { exact: true }).first().inputValue()) === 'sgd', 'a condition does not follow the text');
  expect((await page.locator('.chip .trouble').allTextContents()).join().includes('did you mean value?'), 'a wrong condition says nothing');
  await page.fill('[aria-label^="Filter"]', '');
  await page.getByLabel('Group').selectOption('params.opt');
  const groups = page.locator('.table .group');
  expect((await groups.count()) === 2, `two optimizers are ${await groups.count()} groups`);
  await groups.first().locator('button').focus();
  await page.keyboard.press('Enter');
  expect((await page.locator('.table .line:not(.group)').count()) > 5, 'a group does not unfold by Enter');
  await page.setViewportSize({ width: 800, height: 800 });
  const moved = await page.evaluate(() => {
    const place = (s) => document.querySelector(s).getBoundingClientRect().left;
    const before = [place('.line .pin a'), place('.line [role=gridcell]:last-child:not(:only-child)')];
    document.querySelector('.table').scrollLeft = 200;
    return [place('.line .pin a') - before[0], place('.line [role=gridcell]:last-child:not(:only-child)') - before[1]];
  });
  expect(Math.abs(moved[0]) < 1 && moved[1] < -100, `pinned and other columns moved by ${moved}`);
  await page.setViewportSize({ width: 1280, height: 800 });
}

/** The decision log keeps what was asked for: older pages while new records arrive, and the filter on the way to a record's ground. */
async function decisions(page, origin) {
  await page.goto(origin + '/x/halving/events?show=Decisions');
  const records = (n) => document.querySelectorAll('main ol > li').length > n;
  await page.waitForFunction(records, 99);
  await page.click('text=Older');
  await page.waitForFunction(records, 199);
  const again = page.waitForResponse((answer) => answer.url().includes('/events?'));
  spawnSync(tune, ['--store', path.join(folder, 'tune.db'), 'note', 'halving', 'seen']);
  await again;
  await page.waitForTimeout(500);
  if (!(await page.evaluate(records, 199))) finding('a new record takes away the older ones that were asked for');
  const settled = page.locator('li:has(.kind:text-is("Settle")) a[href*="before="]').first();  // On the ground that an attempt ended.
  await settled.click();
  await page.waitForSelector('li[aria-current] .kind:text-is("Exited")', { timeout: 10000 }).catch(() => finding('the ground of a decision is not shown'));
  if (!(await page.$('button[aria-pressed=true]:has-text("Decisions")'))) finding('the way to the ground of a decision drops the filter');
  if (await page.$('li:not([aria-current]) .kind:text-is("Exited")')) finding('the filter does not hold beside the ground of a decision');
}

/** A page looks again once it has its stream: where nothing changed meanwhile, nothing is drawn again. */
async function calm(page, origin) {
  await page.addInitScript(() => {
    globalThis.strokes = 0;
    const own = CanvasRenderingContext2D.prototype.stroke;
    CanvasRenderingContext2D.prototype.stroke = function (...words) {
      ++globalThis.strokes;
      return own.apply(this, words);
    };
  });
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  await page.route('**/stream', (route) => opened.then(() => route.continue()));
  await page.goto(origin + '/x/halving/explore');
  const still = () => page.evaluate(async () => {
    for (let before = -1; before !== globalThis.strokes || !before; await new Promise((resolve) => setTimeout(resolve, 500))) before = globalThis.strokes;
    return globalThis.strokes;
  });
  const drawn = await still();
  const again = page.waitForResponse((answer) => answer.url().includes('/columns?since='));
  open();
  await again;
  const now = await still();
  if (now !== drawn) finding(`nothing changed, and ${now - drawn} of ${drawn} strokes were drawn again`);
  await page.close();
}

/** A sweep under way: its page follows by itself, and an action of the page ends it. */
async function live(browser) {
  const config = { name: 'live', command: ['sh', '-c', 'sleep 0.3; echo "::tune {\\"loss\\": $TUNE_P_X}"'], params: { x: { type: 'uniform', min: 0, max: 1 } }, objective: { metric: 'loss', goal: 'minimize' }, search: { type: 'random' }, stop: { trials: 999 } };
  writeFileSync(path.join(folder, 'live.json'), JSON.stringify(config));
  const { server, address, origin } = await stage.serve('live.db', 'sweep', path.join(folder, 'live.json'), '--ui=127.0.0.1:0');
  const ended = new Promise((resolve) => (server.removeAllListeners('exit'), server.on('exit', resolve)));
  const page = await (await browser.newContext()).newPage();
  await page.goto(address);
  await page.goto(origin + '/x/live');
  const follows = (n) => Number(/(\d+)\s+of\s+999\s+trials/.exec(document.body.innerText)?.[1] ?? -1) > n;
  await page.waitForFunction(follows, -1, { timeout: 60000 });
  const shown = await page.evaluate(() => Number(/(\d+)\s+of\s+999/.exec(document.body.innerText)[1]));
  await page.waitForFunction(follows, shown, { timeout: 20000 }).catch(() => finding('the page of a sweep under way does not follow it'));
  const act = (body, type) => page.evaluate(async ([b, t]) => (await fetch('/api/v1/experiments/live/actions', { method: 'POST', headers: { 'Content-Type': t }, body: JSON.stringify(b) })).status, [body, type]);
  for (const [status, got] of [[415, await act({ action: 'stop' }, 'text/plain')], [400, await act({ action: 'stopp' }, 'application/json')], [200, await act({ action: 'stop', reason: 'seen enough' }, 'application/json')]])
    if (got !== status) finding(`an action was answered with ${got} and not ${status}`);
  const late = setTimeout(() => (finding('the sweep did not end as the page asked'), server.kill('SIGKILL')), 60000);
  await ended;
  clearTimeout(late);
}

/** A server that runs experiments: one is submitted on the page, ended there, and gone on with from the list and by Resume. */
async function submits(browser) {
  const config = { name: 'submitted', command: ['sh', '-c', 'sleep 0.2; echo "::tune {\\"loss\\": $TUNE_P_X}"'], params: { x: { type: 'uniform', min: 0, max: 1 } }, objective: { metric: 'loss', goal: 'minimize' }, search: { type: 'random' }, stop: { trials: 999 } };
  const { server, address } = await stage.serve('lab.db', 'serve', '--addr', '127.0.0.1:0');
  const ended = new Promise((resolve) => (server.removeAllListeners('exit'), server.on('exit', resolve)));
  for (const scheme of ['light', 'dark']) {
    const page = await (await browser.newContext({ colorScheme: scheme })).newPage();
    const way = scheme === 'light' ? address : `${new URL(address).origin}/?token=${readFileSync(path.join(folder, 'lab.db.d', 'token'), 'utf8').trim()}`;
    await page.goto(way);
    await page.click('text=Submit…');
    await page.fill('dialog textarea', JSON.stringify({ ...config, params: { x: { type: 'unifrom' } } }));
    await page.click('dialog button.primary');
    await page.waitForSelector('dialog .trouble:has-text("unifrom")').catch(() => finding('a config that is wrong is not said to be'));
    for (const w of await violations(page)) finding(`${scheme} submitting: ${w}`);
    if (scheme === 'dark') break;
    await page.fill('dialog textarea', JSON.stringify(config));
    await page.click('dialog button.primary');
    const state = (button) => page.waitForSelector(`button[aria-label="${button} submitted"]`, { timeout: 60000 });
    await (await state('End the run of')).click();
    await (await state('Go on with')).click();
    await (await state('End the run of')).click();
    await state('Go on with');
    await page.goto(new URL('/x/submitted', address).href);
    await page.click('button[aria-haspopup=menu]');
    await page.click('[role=menuitem]:has-text("Resume")');
    await page.waitForSelector('dialog:has-text("this server goes on with it")').catch(() => finding('Resume does not say who goes on'));
    await page.click('dialog button.primary');
    await page.waitForSelector('dialog', { state: 'hidden' });
    await page.goto(new URL('/', address).href);
    await state('End the run of');
    for (const w of await violations(page)) finding(`what is run here: ${w}`);
  }
  server.kill('SIGINT');
  if ((await ended) !== 0) finding('tune serve did not end well');
}

function exported(name, ...words) {
  const file = path.join(folder, name);
  const done = spawnSync(tune, ['--store', path.join(folder, 'tune.db'), 'export', ...words, '--format', 'html', '--out', file], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`export ${words}: exit ${done.status}\n${done.stderr}`);
  const text = readFileSync(file, 'utf8');
  if (text.includes('__pwned')) finding('what a user wrote stands in the exported file in clear');
  return pathToFileURL(file).href;
}

/** What a page says, but for how long ago something was, and what a file has not: bands of other curves than it holds, the
 * map of two parameters, and how many rows a window shows below a line more. */
const said = (page) =>
  page.$eval('main', (main) =>
    main.innerText
      .replace(/\d+ ?(s|min|h) ago|just now/g, '')
      .replace(/\nJSON\n/, '\n')
      .replace(/\nmin to max\n/, '\n')
      .replace(/\nTogether, beyond [^\n]*\n/, '')
      .replace(/\nTwo together\n[^]*?\nSlices:/, '\nSlices:')
      .replace(/\n+/g, '\n'),
  );

/** The pages as one file, opened from the disk: they say what the server's pages say, and ask nobody. Their colours are the same. */
async function offline(browser, paths) {
  const all = exported('all.html', ...Object.keys(experiments));
  const { server, address, origin } = await stage.serve('tune.db', 'ui', '--read-only', '--addr', '127.0.0.1:0');
  try {
    const context = await browser.newContext({ colorScheme: 'light', viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
    const page = await context.newPage();
    const live = await context.newPage();
    await live.goto(address);
    for (const at of paths) {
      for (const w of await visit(page, `${all}#${at}`, `offline ${at.slice(1)}`)) finding(`offline ${at}: ${w}`);
      await arrive(live, origin + at);
      const [here, there] = [await said(page), await said(live)];
      if (here !== there) finding(`offline ${at} says\n${here}\nand the live page\n${there}`);
    }
    await context.close();
    await offlineWays(browser);
  } finally {
    server.removeAllListeners('exit');
    server.kill('SIGTERM');
  }
}

/** People click, go back, and ask for what is not there. */
async function offlineWays(browser) {
  const one = exported('one.html', 'halving', '--details', '4');
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(one);
  const says = (text) => page.waitForFunction((t) => document.body.innerText.includes(t), text, { timeout: 20000 }).catch(() => finding(`the exported page does not say: ${text}`));
  await says('etails of 4 of 150 trials');
  if (await page.$('a[href="#/x/goals"]')) finding('an experiment that was not exported is in the file');
  await page.click('a[href="#/x/halving"]');
  await page.click('nav a[href="#/x/halving/curves"]');
  await page.waitForSelector('canvas');
  await page.goBack();
  await says('Lowest loss');
  await page.goto(one + '#/x/halving/trials/' + (await absentTrial(page)));
  await says('whose details are in this file');
  await page.goto(one + '#/compare?x=halving,goals');
  await says('The experiment goals is not in this file.');
  await context.close();
}

/** A trial that has no details in the file. */
async function absentTrial(page) {
  for (let trial = 0; ; ++trial) {
    await page.goto(page.url().split('#')[0] + `#/x/halving/trials/${trial}`);
    await page.waitForFunction((n) => new RegExp(`Trial ${n}\\b`).test(document.querySelector('main')?.innerText ?? ''), trial, { timeout: 20000 });
    if (await page.$('main .notice')) return trial;
  }
}

async function main() {
  const browser = await launch('the dashboard in a browser');
  for (const [name, config] of Object.entries(experiments)) stage.make(name, config);
  const { server, address, origin } = await stage.serve('tune.db', 'ui', '--addr', '127.0.0.1:0');
  let seen = 0;
  let saved = 0;
  const paths = new Set();
  try {
    for (const scheme of ['light', 'dark']) {
      const context = await browser.newContext({ colorScheme: scheme, viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
      const page = await context.newPage();
      const way = scheme === 'light' ? address : `${origin}/?token=${readFileSync(path.join(folder, 'tune.db.d', 'token'), 'utf8').trim()}`;
      await page.goto(way);  // The printed address is good for one browser.
      if (page.url().includes('token')) finding('the token stays in the address');
      if (scheme === 'light') await control(await context.newPage(), origin);
      const todo = ['/', ...Object.keys(experiments).map((name) => `/x/${name}`), '/x/halving/trials/3', '/x/poison/trials/0', '/x/goals/trials/1', '/x/no-such-experiment', ...views];
      const known = new Set(todo);
      for (const at of todo) {  // Grows as pages are found.
        const refused = at.includes('no-such');
        const where = refused ? await context.newPage() : page;  // It goes on asking for a while, which is nobody else's fault.
        const wrong = (await visit(where, origin + at, `${scheme} ${at === '/' ? 'experiments' : at.slice(1)}`)).filter((w) => !(refused && /40\d/.test(w)));
        for (const w of wrong) finding(`${scheme} ${at}: ${w}`);
        ++seen;
        if (scheme === 'light' && !refused) {
          const drawn = await drawings(page);
          saved += drawn.saved;
          for (const w of drawn.wrong) finding(`${at}: ${w}`);
        }
        if (!refused && !views.includes(at)) paths.add(at);
        if (refused) await where.close();
        if (refused) continue;
        const links = await page.$$eval('nav a[href^="/"]', (all) => all.map((a) => a.getAttribute('href').split('?')[0]));
        for (const link of links) if (!known.has(link)) known.add(link), todo.push(link);
      }
      if (scheme === 'light') await table(page, origin);
      if (scheme === 'light') await decisions(page, origin);
      if (scheme === 'light') await calm(await context.newPage(), origin);
      await context.close();
    }
    if (!saved) finding('no chart offers itself as SVG');
    await live(browser);
    await submits(browser);
    await offline(browser, [...paths, '/x/halving/compare?t=1,2,3', '/compare?x=halving,goals', '/x/halving/events?show=Stops', '/x/population/schedule?view=lineage']);
  } finally {
    await browser.close();
    server.removeAllListeners('exit');
    server.kill('SIGTERM');
  }
  console.log(`${seen} pages seen, ${saved} charts saved, ${findings.length} findings`);
}

main().catch((e) => finding(String(e.stack ?? e))).finally(() => {
  process.exit(findings.length ? 1 : 0);
});
