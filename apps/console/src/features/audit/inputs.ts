/** Asked by the page's first paint and by the panel. */
export const auditInput = { limit: 200 };
