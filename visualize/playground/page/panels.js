// The list of what can be looked into.

import * as gradients from "./gradients.js";

export const panels = (app) => [gradients].map((panel) => panel.create(app));
