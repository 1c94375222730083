#include "kernels/map/resize.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/base/interruption.hpp"
#include "kernels/base/parallel.hpp"
#include "kernels/map/interpolation.hpp"

namespace onnx_cam::kernels {
namespace {

/// The source samples of one target sample; weights add up to 1.
template <std::size_t count>
struct Taps {
  std::array<std::size_t, count> at;
  std::array<float, count> weight;
};

double sourceOf(std::size_t target, std::size_t from, std::size_t to, Interpolation interpolation) {
  return interpolation == Interpolation::alignCorners ? alignedSource(target, from, to)
                                                      : halfPixelSource(target, from, to);
}

std::vector<Taps<2>> linearTaps(std::size_t from, std::size_t to, Interpolation interpolation) {
  std::vector<Taps<2>> taps(to);
  for (std::size_t i = 0; i < to; i++) {
    const double source = std::clamp(sourceOf(i, from, to, interpolation), 0.0, static_cast<double>(from - 1));
    const std::size_t low = static_cast<std::size_t>(source);
    const float weight = static_cast<float>(source - static_cast<double>(low));
    taps[i] = {{low, std::min(low + 1, from - 1)}, {1 - weight, weight}};
  }
  return taps;
}

std::vector<Taps<4>> cubicTaps(std::size_t from, std::size_t to) {
  std::vector<Taps<4>> taps(to);
  for (std::size_t i = 0; i < to; i++) {
    const double source = sourceOf(i, from, to, Interpolation::bicubic);
    const double base = std::floor(source), t = source - base;
    const double weights[4] = {cubicFar(1 + t), cubicNear(t), cubicNear(1 - t), cubicFar(2 - t)};
    for (int j = 0; j < 4; j++) {
      taps[i].at[j] = static_cast<std::size_t>(std::clamp(base + j - 1, 0.0, static_cast<double>(from - 1)));
      taps[i].weight[j] = static_cast<float>(weights[j]);
    }
  }
  return taps;
}

template <std::size_t count>
void stretchRow(const float* row, const std::vector<Taps<count>>& columns, float* out) {
  for (std::size_t x = 0; x < columns.size(); x++) {
    const Taps<count>& taps = columns[x];
    float sum = 0;
    for (std::size_t j = 0; j < count; j++) sum += taps.weight[j] * row[taps.at[j]];
    out[x] = sum;
  }
}

/// What is done with a resized value.
enum class Target { set, add };

template <std::size_t count, Target kind = Target::set>
void resizeOne(const float* map, MapSize from, const std::vector<Taps<count>>& rows,
               const std::vector<Taps<count>>& columns, std::vector<float>& stretched, float* out) {
  const std::size_t width = columns.size();
  stretched.resize(from.height * width);
  for (std::size_t y = 0; y < from.height; y++) stretchRow(map + y * from.width, columns, &stretched[y * width]);
  for (std::size_t y = 0; y < rows.size(); y++) {
    const float* source[count];
    float weight[count];
    for (std::size_t j = 0; j < count; j++) {
      source[j] = &stretched[rows[y].at[j] * width];
      weight[j] = rows[y].weight[j];
    }
    float* target = out + y * width;
    for (std::size_t x = 0; x < width; x++) {
      float sum = 0;
      for (std::size_t j = 0; j < count; j++) sum += weight[j] * source[j][x];
      target[x] = kind == Target::add ? target[x] + sum : sum;
    }
  }
}

template <std::size_t count>
void resizeAll(const float* maps, std::size_t images, MapSize from, MapSize to, const std::vector<Taps<count>>& rows,
               const std::vector<Taps<count>>& columns, float* out) {
  parallelFor(images, grainFor(count * (from.height * to.width + to.area())), [&](std::size_t begin, std::size_t end) {
    std::vector<float> stretched;
    for (std::size_t n = begin; n < end; n++) {
      checkInterruption();
      resizeOne(maps + n * from.area(), from, rows, columns, stretched, out + n * to.area());
    }
  });
}

void resizeNearest(const float* maps, std::size_t images, MapSize from, MapSize to, float* out) {
  const auto sources = [](std::size_t in, std::size_t count) {
    std::vector<std::size_t> at(count);
    for (std::size_t i = 0; i < count; i++) {
      at[i] = nearestSource(i, in, count);
    }
    return at;
  };
  const std::vector<std::size_t> rows = sources(from.height, to.height), columns = sources(from.width, to.width);
  for (std::size_t n = 0; n < images; n++) {
    for (std::size_t y = 0; y < to.height; y++) {
      const float* source = maps + n * from.area() + rows[y] * from.width;
      float* target = out + n * to.area() + y * to.width;
      for (std::size_t x = 0; x < to.width; x++) target[x] = source[columns[x]];
    }
  }
}

}  // namespace

void resizeMaps(const float* maps, std::size_t count, MapSize from, MapSize to, Interpolation interpolation,
                float* out) {
  if (from.height == to.height && from.width == to.width) {
    std::memcpy(out, maps, count * from.area() * sizeof(float));
    return;
  }
  switch (interpolation) {
    case Interpolation::nearest:
      return resizeNearest(maps, count, from, to, out);
    case Interpolation::bicubic:
      return resizeAll(maps, count, from, to, cubicTaps(from.height, to.height), cubicTaps(from.width, to.width), out);
    case Interpolation::bilinear:
    case Interpolation::alignCorners:
      return resizeAll(maps, count, from, to, linearTaps(from.height, to.height, interpolation),
                       linearTaps(from.width, to.width, interpolation), out);
  }
}

void meanAtSize(const std::vector<MapStack>& stacks, std::size_t count, MapSize to, float* out) {
  std::vector<std::vector<Taps<2>>> rows, columns;
  std::size_t cost = 0;
  for (const MapStack& stack : stacks) {
    rows.push_back(linearTaps(stack.size.height, to.height, Interpolation::bilinear));
    columns.push_back(linearTaps(stack.size.width, to.width, Interpolation::bilinear));
    cost += 2 * (stack.size.height * to.width + to.area());
  }
  const float share = 1 / static_cast<float>(stacks.size());
  parallelFor(count, grainFor(cost), [&](std::size_t begin, std::size_t end) {
    std::vector<float> stretched;
    for (std::size_t n = begin; n < end; n++) {
      checkInterruption();
      float* target = out + n * to.area();
      std::fill_n(target, to.area(), 0.0F);
      for (std::size_t s = 0; s < stacks.size(); s++) {
        const MapStack& stack = stacks[s];
        const float* map = stack.maps + n * stack.size.area();
        resizeOne<2, Target::add>(map, stack.size, rows[s], columns[s], stretched, target);
      }
      for (std::size_t i = 0; i < to.area(); i++) target[i] *= share;
    }
  });
}

}  // namespace onnx_cam::kernels
