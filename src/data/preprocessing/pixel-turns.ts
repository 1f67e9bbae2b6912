/**
 * Bounds the pixels that are decoded at a time. A picture of 100 megapixels takes 0.4 to 1.3 GiB until it is resized,
 * depending on its form; four of them at once would not fit the memory of a pod. Ordinary pictures never wait.
 */

/** Four pictures of six megapixels. One with more pixels than this is decoded alone. */
const maxPixels = 24_000_000;

let free = maxPixels;

type Waiting = { readonly pixels: number; readonly start: () => void };

/** First come, first served: a large picture is not overtaken for ever. */
const queue: Waiting[] = [];

const startNext = (): void => {
  for (let next = queue[0]; next && next.pixels <= free; next = queue[0]) {
    queue.shift();
    free -= next.pixels;
    next.start();
  }
};

/** The share of one picture, held from before it is decoded until its pixels are no longer needed. */
export class PixelTurn implements Disposable {
  #held = 0;

  /** Waits until `pixels` fit next to those of other pictures. Call it once per picture. */
  async take(pixels: number): Promise<void> {
    const share = Math.min(pixels, maxPixels);
    await new Promise<void>((start) => {
      queue.push({ pixels: share, start });
      startNext();
    });
    this.#held = share;
  }

  [Symbol.dispose](): void {
    free += this.#held;
    this.#held = 0;
    startNext();
  }
}
