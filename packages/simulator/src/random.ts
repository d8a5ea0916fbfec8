/**
 * sfc32: a small, well-distributed generator with 128 bits of state, seeded through splitmix32 so that neighbouring
 * seeds give unrelated runs.
 */
export interface SeededRandom {
  /** Number in [0, 1). */
  (): number;
  /** Whole number in [0, below). */
  readonly below: (below: number) => number;
  /** True with the probability given. */
  readonly chance: (probability: number) => boolean;
  readonly pick: <Item>(items: readonly Item[]) => Item;
  /** Number in [low, high). */
  readonly between: (low: number, high: number) => number;
  /** An independent generator, so that one concern's draws do not shift another's. */
  readonly fork: (name: string) => SeededRandom;
}

export function seededRandom(seed: number): SeededRandom {
  let mix = seed >>> 0;
  const splitmix = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let word = mix ^ (mix >>> 16);
    word = Math.imul(word, 0x21f0aaad);
    word ^= word >>> 15;
    word = Math.imul(word, 0x735a2d97);
    return (word ^ (word >>> 15)) >>> 0;
  };
  let a = splitmix();
  let b = splitmix();
  let c = splitmix();
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 0x1_0000_0000;
  };
  for (let warmUp = 0; warmUp < 12; warmUp++) next();
  return Object.assign(next, {
    below: (below: number) => Math.floor(next() * below),
    chance: (probability: number) => next() < probability,
    pick: <Item>(items: readonly Item[]): Item => items[Math.floor(next() * items.length)] as Item,
    between: (low: number, high: number) => low + next() * (high - low),
    fork: (name: string) => {
      let hash = seed | 0;
      for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
      return seededRandom(hash >>> 0);
    },
  });
}
