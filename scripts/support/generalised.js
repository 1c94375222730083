// Messages of errors, of many methods and models in one form.

/** One reason for all methods and tensors that have it; of the operators without rules each kind once. */
export function generalised(message, method) {
  return message
    .replaceAll(method, 'the method')
    .replaceAll(/"[^"]*"/g, '"…"')
    .replace(/(?<=through operator ).*?(?=;)/, operators => {
      const kinds = operators.matchAll(/([\w.:]+) \(node/g);
      return [...new Set([...kinds].map(([, kind]) => kind))].sort().join(', ');
    })
    .replaceAll(/\s+/g, ' ');
}
