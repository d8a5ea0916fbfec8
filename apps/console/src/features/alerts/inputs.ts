/** Asked by the page's first paint and by the panel: the same input, so that the answer is found in the cache. */
export const deliveriesInput = { limit: 100 };
