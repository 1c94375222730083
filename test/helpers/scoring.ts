import { Session } from '../../lib/engine/session.ts';
import { float32Tensor, type Tensor } from '../../lib/engine/tensor.ts';
import type { FeatureMaps } from '../../lib/kernels/features.ts';
import { applyMethod } from '../../lib/maps/apply-method.ts';
import type { Convention, LayerTensors, MethodContext, MethodDefinition } from '../../lib/methods/definition.ts';
import { resolveParams } from '../../lib/methods/params.ts';
import { findMethod } from '../../lib/methods/registry.ts';
import { serializeModel } from '../../lib/model/file/serialize-model.ts';
import { headOf, tailOf } from '../../lib/model/graph/cut.ts';
import type { Graph } from '../../lib/model/graph/graph.ts';
import { loadModel } from '../../lib/model/load-model.ts';
import { ReferenceScorer, type RunOne } from '../../lib/reference/scoring/scorer.ts';
import type { ActivationScorer } from '../../lib/scoring/activation-scorer.ts';
import { type ActivationScorerOptions, createActivationScorer } from '../../lib/scoring/activation-scorer.ts';
import type { GridMasks, MaskRequest } from '../../lib/scoring/mask-request.ts';
import type { PictureScorer } from '../../lib/scoring/picture-scorer.ts';
import { createPictureScorer } from '../../lib/scoring/picture-scorer.ts';
import type { PixelVariant } from '../../lib/scoring/pixel-variants.ts';
import type { ScoringModel, UseModel } from '../../lib/scoring/scoring-model.ts';
import type { ScorerOptions } from '../../lib/scoring/scoring-runs.ts';
import type { TailRequest } from '../../lib/scoring/tail-request.ts';
import type { ResolvedTarget } from '../../lib/targets/resolve.ts';
import { ScoreRow } from '../../lib/targets/score.ts';
import type { ScoreView } from '../../lib/targets/target.ts';

export const classTarget = (index: number): ResolvedTarget => ({
  kind: 'class',
  terms: [{ view: 'logit', index, weight: 1 }],
  classification: true,
});

/** Scores changed pictures and changed activations of one image. */
export type Scorer = PictureScorer & ActivationScorer;

class BothScorers implements PictureScorer, ActivationScorer {
  readonly #pictures: PictureScorer;
  readonly #activations: ActivationScorer;
  readonly targets: number;
  readonly size: PictureScorer['size'];

  constructor(pictures: PictureScorer, activations: ActivationScorer) {
    this.#pictures = pictures;
    this.#activations = activations;
    this.targets = pictures.targets;
    this.size = pictures.size;
  }

  get runs() {
    const [a, b] = [this.#pictures.runs, this.#activations.runs];
    return { network: a.network + b.network, tail: a.tail + b.tail, saved: a.saved + b.saved };
  }

  get warnings(): string[] {
    return [...this.#pictures.warnings, ...this.#activations.warnings];
  }

  clean = (view?: ScoreView) => this.#pictures.clean(view);
  save = (passes: number) => this.#pictures.save(passes);
  baseline = (background: 'zero' | 'blurred', view?: ScoreView) => this.#pictures.baseline(background, view);
  masks = (request: MaskRequest) => this.#pictures.masks(request);
  gridMasks = (masks: GridMasks, view?: ScoreView) => this.#pictures.gridMasks(masks, view);
  pixels = (variants: readonly PixelVariant[], view?: ScoreView) => this.#pictures.pixels(variants, view);
  sumGridMasks = (masks: GridMasks, weights: Float64Array) => this.#pictures.sumGridMasks(masks, weights);
  tail = (request: TailRequest) => this.#activations.tail(request);
}

export interface ScoringImage {
  readonly scorer: Scorer;
  readonly layer: FeatureMaps;
  readonly row: ScoreRow;
}

/** A model cut at a layer, with everything that scorers need. */
export class ScoringModels {
  readonly #sessions: { head: Session; network: Session; tail: Session };
  readonly #names: { input: string; layer: string; logits: string };
  readonly #layout: 'nchw' | 'nhwc';

  private constructor(
    sessions: { head: Session; network: Session; tail: Session },
    names: { input: string; layer: string; logits: string },
    layout: 'nchw' | 'nhwc',
  ) {
    this.#sessions = sessions;
    this.#names = names;
    this.#layout = layout;
  }

  static async open(
    source: Uint8Array | URL,
    layer: string,
    { size }: { size?: readonly [width: number, height: number] } = {},
  ): Promise<ScoringModels> {
    const createSession = (bytes: Uint8Array, options = {}) =>
      Session.create(bytes, { intraOpNumThreads: 1, ...options });
    const model = await loadModel(source, { createSession });
    const facts = size ? await model.factsFor(...size) : model.facts;
    const logits = model.logits.tensor;
    const open = (graph: Graph) => {
      const { model: bytes, externalFiles } = serializeModel(graph);
      return createSession(bytes, { externalFiles });
    };
    const sessions = {
      head: await open(headOf(model.graph, [layer, logits], facts)),
      network: await open(headOf(model.graph, [logits], facts)),
      tail: await open(tailOf(model.graph, facts, layer, [logits])),
    };
    const names = { input: model.input.name, layer, logits };
    return new ScoringModels(sessions, names, model.input.layout === 'nhwc' ? 'nhwc' : 'nchw');
  }

  get session(): Session {
    return this.#sessions.network;
  }

  /** The native scorer of one image, over its clean run. */
  async image(
    input: { data: Float32Array; dims: readonly number[] },
    targets: readonly ResolvedTarget[],
    { linearTail, ...options }: Partial<Omit<ActivationScorerOptions, 'layer' | 'tail'>> = {},
  ): Promise<ScoringImage> {
    const { layer, row } = await this.#clean(input);
    const { network, tail } = this.#sessions;
    const use =
      (session: Session, name: string): UseModel =>
      task =>
        task({ session, input: name, output: this.#names.logits } satisfies ScoringModel);
    const common: ScorerOptions = { row, targets, provider: 'cpu', threads: 2, ...options };
    const scorer = new BothScorers(
      createPictureScorer({
        ...common,
        input: { ...input, layout: this.#layout },
        network: use(network, this.#names.input),
      }),
      createActivationScorer({ ...common, layer, linearTail, tail: use(tail, this.#names.layer) }),
    );
    return { scorer, layer, row };
  }

  /** The plain scorer of one image. */
  async reference(
    input: { data: Float32Array; dims: readonly number[] },
    targets: readonly ResolvedTarget[],
  ): Promise<ReferenceScorer> {
    const { layer, row } = await this.#clean(input);
    const runOne =
      (session: Session, name: string): RunOne =>
      async (data, dims) =>
        (await session.run({ [name]: float32Tensor(data, dims) }, [this.#names.logits]))[this.#names.logits]!
          .data as Float32Array;
    return new ReferenceScorer({
      input: { ...input, layout: this.#layout },
      layer,
      row,
      targets,
      network: runOne(this.#sessions.network, this.#names.input),
      tail: runOne(this.#sessions.tail, this.#names.layer),
    });
  }

  async dispose(): Promise<void> {
    await Promise.all(Object.values(this.#sessions).map(session => session.dispose()));
  }

  async #clean({ data, dims }: { data: Float32Array; dims: readonly number[] }) {
    const outputs: Record<string, Tensor> = await this.#sessions.head.run(
      { [this.#names.input]: float32Tensor(data, dims) },
      [this.#names.layer, this.#names.logits],
    );
    const layer = outputs[this.#names.layer]! as FeatureMaps;
    return { layer, row: new ScoreRow(outputs[this.#names.logits]!.data as Float32Array, 'softmax') };
  }
}

export interface RunMethod {
  readonly convention?: Convention;
  readonly params?: Record<string, unknown>;
  readonly gradients?: FeatureMaps;
  readonly seed?: number;
}

/** A method's weights (where it has any), raw and finished maps over a scorer, one row or map per target. */
export async function runMethod(
  name: string,
  { scorer, layer }: Pick<ScoringImage, 'scorer' | 'layer'>,
  { convention = 'paper', params: given = {}, gradients, seed = 0 }: RunMethod = {},
) {
  const definition = findMethod(name);
  const params = resolveParams(definition, given, convention);
  const tensors = { activations: layer, gradients };
  let weights: Float32Array | undefined;
  const recording: MethodDefinition =
    definition.scope === 'layer'
      ? {
          ...definition,
          compute: async (own: LayerTensors, context: MethodContext) => {
            const result = await definition.compute(own, context);
            if ('weights' in result) weights = result.weights;
            return result;
          },
        }
      : definition;
  const { raw, maps, verdicts } = await applyMethod(
    { definition: recording, params, convention, fusion: null },
    [tensors],
    scorer.size,
    { seed, pictureScorer: scorer, activationScorers: [scorer] },
  );
  return { weights: weights!, raw: raw[0]!, map: maps, verdicts };
}
