/** Ways in which a text gives itself away as a secret. Nothing here ever returns the text. */

/** Beginnings that providers of tokens have chosen so that scanners find them, and forms that hold a secret by themselves. */
const KNOWN_FORMS: readonly (readonly [RegExp, string])[] = [
  [/\b(ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}/, "a GitHub token"],
  [/\bglpat-[\w-]{16,}/, "a GitLab token"],
  [/\bnpm_[A-Za-z0-9]{20,}/, "an npm token"],
  [/\bpypi-[\w-]{20,}/, "a PyPI token"],
  [/\bsk-[\w-]{16,}|\bsk_(live|test)_\w{16,}/, "an API key (sk-…)"],
  [/\bxox[abeprs]-[\w-]{10,}/, "a Slack token"],
  [/\b(AKIA|ASIA)[A-Z0-9]{16}\b/, "an AWS access key"],
  [/\bAIza[\w-]{30,}/, "a Google API key"],
  [/\blin_api_\w{16,}/, "a Linear API key"],
  [/\bdckr_pat_[\w-]{16,}/, "a Docker token"],
  [/\bhv[sb]\.[\w-]{20,}/, "a Vault token"],
  [/\bpul-[0-9a-f]{20,}/, "a Pulumi token"],
  [/\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\./, "a JSON web token"],
  [/\bAGE-SECRET-KEY-1[A-Z0-9]{20,}/, "an age key"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, "a private key"],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:[^\s/@]+@/i, "an address with a password in it"],
];

/** @returns what it looks like, or undefined. */
export function knownForm(text: string): string | undefined {
  return KNOWN_FORMS.find(([form]) => form.test(text))?.[1];
}

const SECRET_NAME =
  /PASSWORD$|PASSWD$|(^|_)(TOKEN|SECRET|SECRETS|PASSPHRASE|APIKEY|API_KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIAL|CREDENTIALS|AUTH_KEY)$/;

/** Does a variable of that name hold a secret, by its last word? `GITHUB_TOKEN` does; `MAX_TOKENS` and `TOKEN_FILE` do not. */
export function isSecretName(name: string): boolean {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/[^A-Za-z0-9]+/g, "_");
  return SECRET_NAME.test(words.toUpperCase());
}

/**
 * A value that a variable may have whatever its name: nothing, a switch, a number, a path to the real one, or what stands in a
 * preview for one that is not at hand (`--placeholders`).
 */
export function isHarmless(value: string): boolean {
  return (
    value === "" ||
    value.startsWith("PLACEHOLDER-") ||
    /^(true|false|yes|no|on|off|none|null|-?\d+(\.\d+)?|[./~].*)$/i.test(value)
  );
}

const SHORTEST = 20;
/** Bits a character: English words joined by signs stay below 3.7 at these lengths, random base64 is above 4.1. */
const RANDOM_BITS = 3.9;
/** Of sixteen digits at most four bits; three and a half of 32 or more are not chosen by hand. */
const RANDOM_HEX_BITS = 3.2;

/** Does it look drawn at random: one long run of letters and digits with as many bits a character as a token has? */
export function looksRandom(text: string): boolean {
  if (/^sha(256|512)[:-]/.test(text) || isUuid(text)) return false;
  return (text.match(/[A-Za-z0-9+_=-]{20,}/g) ?? []).some((run) => {
    if (run.length < SHORTEST || !/\d/.test(run) || !/[A-Za-z]/.test(run)) return false;
    if (/^[0-9a-f]+$/i.test(run)) return run.length >= 32 && entropy(run) >= RANDOM_HEX_BITS;
    return entropy(run) >= RANDOM_BITS && !isWords(run);
  });
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** Words, numbers and versions with signs between them, as names and identifiers are. */
function isWords(run: string): boolean {
  return run.split(/[-_+=]/).every((part) => /^([A-Z]?[a-z]*|[A-Z]*|\d*|[a-z]{1,12}\d{1,4})$/.test(part));
}

/** Shannon's, in bits a character. */
export function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((bits, count) => {
    const share = count / text.length;
    return bits - share * Math.log2(share);
  }, 0);
}
