// What the page says: the verdict in a sentence, the distance to the boundary in each knob.

import { parameter } from "./state.js";

export const number = (v, digits = 3) => {
  if (v === 0) return "0";
  const text = Number(v.toPrecision(digits));
  return Math.abs(text) >= 1e6 || Math.abs(text) < 1e-4 ? text.toExponential(1) : String(text);
};

const NOWHERE = {
  none_at_alpha_1: "Nothing holds the policy at α = 1, so there is no rest point to judge.",
  no_interior_equilibrium: "Nothing holds this loop, and no mixed policy balances the preferences: it drifts.",
  set_by_the_start: "Where it rests is decided by its start.",
  not_found: "No rest point was found, so this is undecided.",
};

/** Return the largest range of a probability over the last rounds of an orbit. */
export function motion({ policies, responses }, last = 300) {
  const M = responses.length, total = policies.length / M;
  let most = 0;
  for (let i = 0; i < M; i++) {
    let [low, high] = [1, 0];
    for (let t = Math.max(0, total - last); t < total; t++) {
      low = Math.min(low, policies[t * M + i]);
      high = Math.max(high, policies[t * M + i]);
    }
    most = Math.max(most, high - low);
  }
  return most;
}

/** Return the verdict: one sentence. */
export function verdict({ rho, angle, verdict: word, reason, orbit }) {
  if (word === "undecided") return NOWHERE[reason] ?? NOWHERE.not_found;
  if (word === "marginal") return "It stands on the boundary: deviations neither shrink nor grow.";
  const moves = motion(orbit) > 1e-3, degrees = Math.round(angle * 180 / Math.PI);
  if (word === "stable") {
    if (moves && rho ** 2500 < 1e-4) return "Policies near its rest point settle there, yet this start keeps moving.";
    return moves ? `It settles, but slowly: a deviation keeps ${percent(rho)} of its size a round.`
      : `It settles: a deviation keeps ${percent(rho)} of its size a round.`;
  }
  if (!moves) return rho ** 2500 > 1e4 ? "Its rest point repels, and this start settles elsewhere."
    : "Its rest point repels, but so weakly that this start has hardly left it.";
  if (degrees === 0) return "It leaves its rest point without turning.";
  if (degrees === 180) return "It oscillates, to and fro every round.";
  return `It oscillates, turning ${degrees}° a round.`;
}

const percent = rho => (rho > 0.995 ? `${number(100 * rho, 4)} %` : `${number(100 * rho, 2)} %`);

const PHASE = { converged: "converges", cycle: "repeats", invariant_circle: "turns on a closed curve",
  locked: "repeats, locked", chaotic: "is chaotic", drifting: "drifts", undecided: "is undecided" };

/** Return what an orbit of a class does, as "repeats every 5 rounds". */
export function longRun({ phase, period }) {
  const every = period > 1 ? ` every ${period} rounds` : "";
  return `${PHASE[phase] ?? phase}${every}`;
}

/** Return where the verdict changes, knob by knob, in a sentence; "" while it is not known. */
export function distance(loop, answer, rest) {
  if (!rest || !answer || answer.verdict === "undecided") return "";
  const told = rest.knobs.filter(k => k.name !== null).flatMap(({ name, below, above }) => {
    const { symbol } = parameter(loop, name);
    return [below === null ? [] : `${symbol} below ${number(below)}`,
      above === null ? [] : `${symbol} above ${number(above)}`].flat();
  });
  const verb = answer.verdict === "unstable" ? "Settles" : "Loses stability";
  if (!told.length) return "No single parameter was found to change that.";
  const last = told.pop();
  return `${verb} for ${told.length ? `${told.join(", ")} or ` : ""}${last}.`;
}

/** Return the figures of the verdict, in words. */
export function figures(answer, rest) {
  const { entropies } = answer.orbit, late = entropies.slice(-1000);
  const [low, high] = [Math.min(...late), Math.max(...late)];
  const parts = Number.isFinite(answer.rho) ? [`spectral radius ρ = ${number(answer.rho, 4)}`] : [];
  parts.push(high - low < 5e-4 ? `entropy ${high.toFixed(3)} nats` : `entropy ${low.toFixed(2)} to ${high.toFixed(2)} nats`);
  if (rest?.phase) parts.push(`in the long run the orbit ${longRun(rest)}`);
  return parts.join(" · ");
}
