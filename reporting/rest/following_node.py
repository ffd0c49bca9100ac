"""The programs of `following` in JavaScript, for Node."""

from reporting.snippets import program

CALLING = program("""
    const API = '@API@';
    const PAUSE = Number(process.env.HEED_PAUSE ?? 5); // seconds
    const sleep = (seconds) => new Promise((done) => setTimeout(done, 1_000 * seconds));

    // The call was wrong; trying again would not help. And: there is no answer yet.
    class Refused extends Error {}
    class Later extends Error {}

    // Ask once: the answer, and its Retry-After in seconds.
    async function call(path, body) {
      const headers = { Authorization: `Bearer ${process.env.HEED_KEY}` };
      if (body) headers['Content-Type'] = 'application/json';
      let answer, text, said;
      let wait = 0;
      try {
        answer = await fetch(API + path, {
          method: body ? 'POST' : 'GET',
          headers,
          body: body && JSON.stringify(body),
          signal: AbortSignal.timeout(90_000),
        });
        wait = Number.parseInt(answer.headers.get('Retry-After') ?? '0', 10) || 0;
        text = await answer.text();
        said = JSON.parse(text);
      } catch (error) { // not answered, cut off, or no JSON
        if (!answer || answer.ok) throw Object.assign(new Later(String(error)), { wait });
      }
      const { status } = answer;
      if (status >= 500 || status === 429 || status === 408) {
        throw Object.assign(new Later(`status ${status}`), { wait });
      }
      if (!answer.ok) {
        const why = said?.detail ?? answer.statusText;
        throw Object.assign(new Refused(`${status}: ${why}`), { status });
      }
      return { answer: said, wait };
    }

    // Ask until there is a whole answer; `field` must be in it.
    async function ask(path, field) {
      for (let pause = PAUSE; ; pause = Math.min(2 * pause, 300)) {
        let wait = 0;
        try {
          const found = await call(path);
          if (found.answer?.[field] !== undefined) return found;
          console.error('Trying again: not an answer of Heed');
        } catch (error) {
          if (!(error instanceof Later)) throw error;
          console.error(`Trying again: ${error.message}`);
          wait = error.wait;
        }
        await sleep(Math.max(wait, pause));
      }
    }

    // Page by page, for ever. Keep the cursor of a page once its changes are dealt with.
    async function* follow(cursor = '') {
      for (;;) {
        const askedAt = Date.now();
        const path = `/changes?@FILTER@wait=30&cursor=${encodeURIComponent(cursor)}`;
        const { answer: page, wait } = await ask(path, 'cursor');
        yield page;
        cursor = page.cursor;
        const isIdle = !page.changes.length && !page.has_more;
        if (isIdle && Date.now() - askedAt < 25_000) { // there was no room to wait
          await sleep(Math.max(wait, PAUSE));
        }
      }
    }
""")

FOLLOWING = program("""
    const { existsSync, readFileSync, renameSync, writeFileSync } = await import('node:fs');

    function apply(change) {
      console.log(change.id, change.type, change.list, change.address);
    }

    function keep(cursor) {
      writeFileSync('heed-cursor.new', cursor);
      renameSync('heed-cursor.new', 'heed-cursor'); // the new one or the old one, whole
    }

    function kept() {
      return existsSync('heed-cursor') ? readFileSync('heed-cursor', 'utf8').trim() : '';
    }

    for (;;) {
      try {
        for await (const page of follow(kept())) {
          for (const change of page.changes) apply(change); // twice must do no harm
          keep(page.cursor); // last: a crash repeats some changes, and skips none
        }
      } catch (error) {
        if (error.status !== 410) throw error;
        keep(''); // after a restore: everything once more
      }
    }
""")

COPYING = program("""
    const { existsSync, readFileSync, renameSync, writeFileSync } = await import('node:fs');
    const LIST = @NUMBER@;

    // The cursor, and a line for each suppression: the list and the digest.
    function keep(cursor, suppressed) {
      writeFileSync('heed-copy.new', [cursor, ...[...suppressed].sort(), ''].join('\\n'));
      renameSync('heed-copy.new', 'heed-copy'); // the new one or the old one, whole
      return { cursor, suppressed };
    }

    async function kept() {
      if (!existsSync('heed-copy')) return readAll();
      const [cursor, ...lines] = readFileSync('heed-copy', 'utf8').trimEnd().split('\\n');
      return { cursor, suppressed: new Set(lines) };
    }

    async function readAll() {
      const { answer: { cursor } } = await ask('/changes?cursor=now', 'cursor'); // first of all
      const suppressed = new Set();
      for (const number of new Set([LIST, 0])) {
        let place = '';
        do {
          const path = `/lists/${number}/suppressions?limit=10000${place}`;
          const { answer: page } = await ask(path, 'suppressions');
          for (const each of page.suppressions) suppressed.add(`${number} ${each.digest}`);
          place = page.next && `&cursor=${encodeURIComponent(page.next)}`;
        } while (place);
      }
      return keep(cursor, suppressed);
    }

    function apply(change, suppressed) {
      const line = `${change.list} ${change.digest}`;
      if (change.suppressed) suppressed.add(line);
      else suppressed.delete(line);
    }

    for (;;) {
      try {
        const { cursor, suppressed } = await kept();
        for await (const page of follow(cursor)) {
          for (const change of page.changes) apply(change, suppressed);
          keep(page.cursor, suppressed);
        }
      } catch (error) {
        if (error.status !== 410) throw error;
        await readAll(); // after a restore
      }
    }
""")

ASKING_COPY = program("""
    import { createHash } from 'node:crypto';
    import { readFileSync } from 'node:fs';

    const LIST = @NUMBER@;

    // `address` as Heed writes it: an email address in lower case, +14155550123.
    function mayBeMailed(address, suppressed) {
      return ['sha256', 'sha1', 'md5'].every((kind) => {
        const digest = createHash(kind).update(address).digest('hex').slice(0, 32);
        return !suppressed.has(`${LIST} ${digest}`) && !suppressed.has(`0 ${digest}`);
      });
    }

    const [, ...lines] = readFileSync('heed-copy', 'utf8').split('\\n'); // no copy, no mail
    const suppressed = new Set(lines);
    for (const address of process.argv.slice(2)) {
      console.log(address, mayBeMailed(address, suppressed) ? 'yes' : 'no');
    }
""")
