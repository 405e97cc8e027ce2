/** Parts of a name by which people mark what is secret; `PWD` alone is a folder. */
const SECRET_NAME = /TOKEN|PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIAL|APIKEY|(^|_)(KEY|PASS|AUTH)(_|$)|_PWD$/i;
/** `postgres://user:password@host` */
const URL_WITH_PASSWORD = /^[a-z][\w+.-]*:\/\/[^\s/:@]*:[^\s/@]+@/i;
const SECRET_OPTION = /^--?[\w-]*(token|password|passwd|passphrase|requirepass|secret|api-?key|auth-?key)[\w-]*(=|$)/i;

/** Rather one too many: an encrypted value does no harm. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

export function isSecretValue(value: string): boolean {
  return URL_WITH_PASSWORD.test(value);
}

/** Options of a command line whose values look like secrets, without these. */
export function secretOptions(words: readonly string[]): string[] {
  return words
    .filter((word) => SECRET_OPTION.test(word) || isSecretValue(word))
    .map((word) => word.split(/=|:/)[0] ?? "");
}
