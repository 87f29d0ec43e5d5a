// What this browser keeps: JSON under names that begin with "app.". A browser that keeps nothing still works.

const PREFIX = "app.";
const spare = new Map();

export function kept(name) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name));
  } catch {
    return spare.get(name) ?? null;
  }
}

export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    spare.set(name, value);
  }
}

/** Forget everything but what is named: the end of a sign-in. */
export function forget(...but) {
  spare.clear();
  try {
    for (const name of Object.keys(localStorage)) {
      if (name.startsWith(PREFIX) && !but.includes(name.slice(PREFIX.length))) localStorage.removeItem(name);
    }
  } catch {
    /* There is nothing to forget where nothing is kept. */
  }
}
