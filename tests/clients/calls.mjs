// Calls: runs named calls one after the other, checks what came back, and prints the result of each.
import assert from 'node:assert/strict';

export class Calls {
  passed = [];
  failed = [];

  // body returns what the call gave; check looks at it and throws where it is wrong.
  async run(name, body, check = () => {}) {
    try {
      const result = await withTimeout(body(), 20_000, name);
      check(result);
      this.passed.push(name);
      return result;
    } catch (error) {
      this.failed.push(name);
      const detail = error?.response?.data ?? error?.message ?? error;
      console.log(`FAILED ${name}: ${typeof detail === 'string' ? detail.slice(0, 600) : JSON.stringify(detail)}`);
      return undefined;
    }
  }

  // The call must be refused, with this in the message.
  async refused(name, body, expected) {
    await this.run(name, async () => {
      let error;
      try {
        await body();
      } catch (caught) {
        error = caught;
      }
      assert.ok(error, 'was accepted');
      const text = `${error.message} ${JSON.stringify(error?.response?.data ?? '')} ${error?.code ?? ''}`;
      assert.match(text, expected);
    });
  }

  finish() {
    console.log(`${this.passed.length} calls passed, ${this.failed.length} failed`);
    process.exit(this.failed.length === 0 ? 0 : 1);
  }
}

export function withTimeout(promise, ms, name) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name}: nothing within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Moves every address of the client's configuration from Binance's hosts to ours; the client itself stays as it is.
export function redirect(urls, http) {
  const ws = http.replace(/^http/, 'ws');
  for (const [key, value] of Object.entries(urls)) {
    if (typeof value === 'object' && value !== null) redirect(value, http);
    else if (typeof value === 'string')
      urls[key] = value
        .replace('https://fapi.binance.com', http)
        .replace('wss://fstream.binance.com', ws)
        .replace('wss://ws-fapi.binance.com', ws);
  }
}
