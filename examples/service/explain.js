// POST /explain. In this order, so that what can be refused costs as little as possible: the model's name, the Accept header, the length, a
// place in the queue, and only then the body.
import { TYPES, write } from './answers.js';
import { Refusal } from './errors.js';
import { queueFull } from './models.js';
import { readBody } from './picture.js';
import { checkFields, explainOptions, QUERY } from './question.js';

export function addExplain(app, { models, metrics, heldBytes, patience }) {
  // Read in the handler.
  app.addContentTypeParser(/^image\/|^application\/octet-stream$/, (_request, _payload, done) => done(null));

  app.post('/explain', {
    schema: { querystring: QUERY },
    async onRequest(request, reply) {
      request.patient = patience.of(reply);
      request.model = models.find(request.query.model);
      request.answerType = request.type(TYPES);
      if (!request.answerType) throw new Refusal(406, 'ERR_NOT_ACCEPTABLE', `answers are ${TYPES.join(', ')}`);
      heldBytes.checkLength(request);
      if (request.model.isFull) throw queueFull();
    },
    async handler(request, reply) {
      const { model, patient: signal, answerType } = request;
      const { picture, fields } = await readBody(request, { count: heldBytes.counter(reply), signal });
      checkFields(request, fields);
      const question = { ...request.query, ...fields };
      const options = explainOptions(question, model.settings.methods);

      const body = await models.use(model, signal, async cam => {
        const start = performance.now();
        const explanation = await cam.explain(picture, { ...options, signal });
        const explained = performance.now();
        metrics.explained(model.name, explanation, explained - start);
        const written = await write(explanation, answerType, question);
        metrics.drawn(model.name, 'answer', performance.now() - explained);
        return written;
      });
      reply.type(answerType).header('vary', 'accept');
      return Buffer.isBuffer(body) ? body : { model: { name: model.name, sha256: model.sha256 }, ...body };
    },
  });
}
