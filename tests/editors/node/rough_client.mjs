// A rough client, and what it saw: JSON in $AIEX_SEEN.
import { big, burst, cancelled, silent } from './heavy.mjs';
import { malformed } from './malformed.mjs';
import { tell } from './session.mjs';
import { commands, documents, settings } from './sync.mjs';

const PARTS = { settings, big, burst, malformed, silent, cancelled, documents, commands };

async function main() {
  const wanted = process.env.AIEX_PARTS?.split(' ') ?? Object.keys(PARTS);
  const seen = { seconds: {} };
  const left = [...wanted];
  async function some() {
    for (let name = left.shift(); name; name = left.shift()) {
      const began = Date.now();
      seen[name] = await PARTS[name]().catch((error) => {
        throw new Error(`${name}: ${error.stack ?? error}`);
      });
      seen.seconds[name] = (Date.now() - began) / 1000;
    }
  }
  await Promise.all([some(), some()]);
  return seen;
}

await tell(main);
