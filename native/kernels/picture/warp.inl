/// The samples of pixels `begin` … `end` of a row, all of which lie inside: the first of four, and how far the place is from it.
static void insideSamples(const Affine& mapping, std::size_t y, std::size_t begin, std::size_t end,
                          const WarpLayout& layout, InsideSamples samples) {
  const double u = mapping.xy * static_cast<double>(y) + mapping.x0,
               v = mapping.yy * static_cast<double>(y) + mapping.y0;
  // Once more, since this loop may round otherwise than the search for the range did.
  const double lastX = static_cast<double>(layout.width - 2), lastY = static_cast<double>(layout.height - 2);
  const double xx = mapping.xx, yx = mapping.yx;
  const auto width = static_cast<std::int32_t>(layout.width), inner = static_cast<std::int32_t>(layout.inner);
  std::int32_t* __restrict first = samples.first;
  float* __restrict right = samples.right;
  float* __restrict below = samples.below;
  const auto from = static_cast<std::int32_t>(begin), count = static_cast<std::int32_t>(end - begin);
  for (std::int32_t i = 0; i < count; i++) {
    const double x = static_cast<double>(from + i), sourceX = xx * x + u, sourceY = yx * x + v;
    const double cutX = sourceX > 0 ? sourceX : 0, cutY = sourceY > 0 ? sourceY : 0;
    const auto left = static_cast<std::int32_t>(cutX < lastX ? cutX : lastX);
    const auto top = static_cast<std::int32_t>(cutY < lastY ? cutY : lastY);
    first[i] = (top * width + left) * inner;
    right[i] = static_cast<float>(sourceX - static_cast<double>(left));
    below[i] = static_cast<float>(sourceY - static_cast<double>(top));
  }
}

static void blendPlanar(const float* __restrict plane, std::size_t row, InsideSamples samples, std::size_t count,
                        float* __restrict out) {
  const std::int32_t* __restrict first = samples.first;
  const float* __restrict right = samples.right;
  const float* __restrict below = samples.below;
  const float* next = plane + row;
  for (std::size_t i = 0; i < count; i++) {
    const std::int32_t at = first[i];
    const float upper = (1 - right[i]) * plane[at] + right[i] * plane[at + 1];
    const float lower = (1 - right[i]) * next[at] + right[i] * next[at + 1];
    out[i] = (1 - below[i]) * upper + below[i] * lower;
  }
}

static void blendInterleaved(const float* __restrict plane, const WarpLayout& layout, InsideSamples samples,
                             std::size_t count, float* __restrict out) {
  const std::size_t inner = layout.inner, row = layout.row();
  for (std::size_t i = 0; i < count; i++) {
    const float* upper = plane + samples.first[i];
    const float* lower = upper + row;
    const float right = samples.right[i], below = samples.below[i];
    for (std::size_t c = 0; c < inner; c++) {
      const float above = (1 - right) * upper[c] + right * upper[inner + c];
      out[i * inner + c] = (1 - below) * above + below * ((1 - right) * lower[c] + right * lower[inner + c]);
    }
  }
}
