// One text for everything that a JSON schema finds wrong: in the configuration, in an address, in a form.

/** What ajv found, with the names that its message leaves out. */
export function validationText({ instancePath, message, params }) {
  const name = params.additionalProperty ?? params.allowedValues?.join(', ');
  return `${instancePath} ${message}${name === undefined ? '' : `: ${name}`}`;
}
