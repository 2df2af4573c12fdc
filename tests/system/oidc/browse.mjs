// A person at the docs page: tries a protected operation, pastes a token into Authorize, tries it again.
//
//     node browse.mjs CHROMIUM ADDRESS FOLDER     the token on stdin; what was seen as JSON on stdout, pictures in FOLDER

import { readFileSync } from 'node:fs';

import { chromium } from 'playwright-core';

const [executablePath, address, folder] = process.argv.slice(2);
const token = readFileSync(0, 'utf8').trim();
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];
const seen = { statuses: [], foreign: [], errors: [] };

const browser = await chromium.launch({ executablePath, headless: true, args: FLAGS, timeout: 30_000 });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1400 } });
  page.setDefaultTimeout(15_000);
  page.on('pageerror', (error) => seen.errors.push(error.message));
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== address) seen.foreign.push(request.url());
  });

  await page.goto(`${address}/docs`);
  await page.waitForSelector('.opblock');
  seen.title = await page.title();
  seen.locks = await page.locator('.opblock .authorization__btn').count();
  const operation = page.locator('.opblock-get', { has: page.locator('[data-path="/orders"]') });
  await operation.locator('.opblock-summary-control').click();
  await operation.locator('.try-out__btn').click();

  await execute(operation);
  await page.screenshot({ path: `${folder}/before.png` });

  await page.locator('.scheme-container .authorize, .auth-wrapper .authorize').first().click();
  const dialog = page.locator('.dialog-ux');
  await dialog.locator('input[type="text"], input[type="password"]').first().fill(token);
  await page.screenshot({ path: `${folder}/authorize.png` });
  await dialog.locator('button[type="submit"].authorize').first().click();
  await dialog.locator('.btn-done').first().click();

  await execute(operation);
  await page.screenshot({ path: `${folder}/after.png` });
  seen.body = await operation.locator('.live-responses-table .highlight-code code').first().innerText();
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));

async function execute(operation) {
  const clear = operation.locator('.btn-clear');
  if (await clear.count()) await clear.click();
  await operation.locator('.execute').click();
  const status = operation.locator('.live-responses-table tbody .response-col_status').first();
  seen.statuses.push(parseInt(await status.innerText(), 10));
}
