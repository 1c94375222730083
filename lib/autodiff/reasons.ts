/** The same reason for several of ONNX Runtime's own operators. */
const microsoft = (reason: string, ...names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map(name => [`com.microsoft:${name}`, reason]));

/**
 * Why gradients do not pass operators that give real numbers and have no rule, or are not taken apart in some form: said in refusals and in
 * docs/operators.md. Control flow that is left in a graph is what resolveControlFlow could not decide.
 */
export const WHY_NO_RULE: Readonly<Record<string, string>> = {
  BitCast: 'it reads the bits of numbers as another type',
  If: 'the picture, or something else that is not known before a run, decides which branch it takes',
  Loop: 'the picture, or something else that is not known before a run, decides how often it repeats',
  NegativeLogLikelihoodLoss: 'it is a loss of training; explain the scores that it reads',
  Optional: 'what it holds is read by an operator that cannot be written out',
  OptionalGetElement: 'what it reads may hold nothing, which is not known before a run',
  Scan: 'the length of its sequence is not known before a run',
  SequenceAt: 'the length or the place of its sequence is not known before a run',
  SequenceMap: 'the length of its sequence is not known before a run',
  ConcatFromSequence: 'the length of its sequence is not known before a run',
  SequenceConstruct: 'its sequence is read by an operator that cannot be written out',
  SequenceEmpty: 'its sequence is read by an operator that cannot be written out',
  SequenceErase: 'its sequence is read by an operator that cannot be written out',
  SequenceInsert: 'its sequence is read by an operator that cannot be written out',
  SoftmaxCrossEntropyLoss: 'it is a loss of training; explain the scores that it reads',
  SplitToSequence: 'its sequence is read by an operator that cannot be written out',
  TensorScatter: 'it writes into the cache of a decoder',
  Unique: 'how many values it gives depends on the picture',
  Attention: 'its heads, or the type or the size of its mask, cannot be told from the file',
  RMSNormalization: 'how many axes it normalises cannot be told from the file',
  RotaryEmbedding: 'its heads cannot be told from the file',
  ...microsoft(
    'it continues a text with a cache of earlier tokens',
    ...['BeamSearch', 'DecoderAttention', 'DecoderMaskedMultiHeadAttention', 'DecoderMaskedSelfAttention'],
    ...['GreedySearch', 'NGramRepeatBlock', 'PagedAttention', 'Sampling', 'SparseAttention', 'SparsePagedAttention'],
    ...['SpeculativePrefixCommit', 'WhisperBeamSearch'],
  ),
  ...microsoft(
    'it keeps a cache of earlier tokens, has a mask that says where padding begins, or another form that is not taken apart',
    ...['Attention', 'GroupQueryAttention', 'MultiHeadAttention', 'QAttention'],
  ),
  ...microsoft(
    'its tokens are packed without an axis for the images; save the model before padding is removed',
    ...['GatherPacked', 'PackedAttention', 'PackedMultiHeadAttention', 'PackedSparseAttentionIndexer'],
    ...['RemovePadding', 'RestorePadding'],
  ),
  ...microsoft(
    'its numbers are in the order of one kind of device; use the model before it was made for that',
    ...['DequantizeBFP', 'DequantizeWithOrder', 'EPContext', 'GemmFloat8', 'MatMulPacked', 'QOrderedAttention'],
    ...['QOrderedGelu', 'QOrderedLayerNormalization', 'QOrderedLongformerAttention', 'QOrderedMatMul', 'QuantizeBFP'],
    ...['QuantizeWithOrder', 'Snpe'],
  ),
  ...microsoft(
    'its weight is prepacked for one kind of device, reordered, or does not have the size that its attributes say',
    ...['MatMulBnb4', 'MatMulNBits'],
  ),
  ...microsoft('it chooses experts by their rank', 'MoE', 'MoEGroupRouter', 'MoEPacked', 'QMoE', 'RouterGateUpProj'),
};
