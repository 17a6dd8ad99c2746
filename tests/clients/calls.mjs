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

// What condition gives, once that is true of it; the call it stands in ends the waiting.
export async function until(condition) {
  for (;;) {
    const result = condition();
    if (result) return result;
    await sleep(20);
  }
}
