/** Asked by the page's first paint and by the panel. */
export const incidentsInput = { openOnly: false, limit: 100 };
