// The list of what can be looked into.

import * as check from "./check.js";
import * as digit from "./digit.js";
import * as gradients from "./gradients.js";
import * as attack from "./attack.js";
import * as program from "./program.js";
import * as sample from "./sample.js";
import * as surface from "./surface.js";

const ALL = [gradients, sample, surface, attack, check, digit, program];

export const panels = (app) => ALL.map((panel) => panel.create(app));
