#include "kernels/map/observation.hpp"

#include <algorithm>
#include <vector>

#include "kernels/base/interruption.hpp"
#include "kernels/base/parallel.hpp"
#include "kernels/map/interpolation.hpp"

namespace onnx_cam::kernels {
namespace {

constexpr std::size_t kOperationsPerRow = 1500;
constexpr std::size_t kEntriesPerLook = 1 << 20;

struct Entry {
  std::size_t at;
  double weight;
};

/// Weights of the same pixel are added, in the order they came.
void merge(std::vector<Entry>& entries) {
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.at < b.at; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < entries.size(); i++) {
    if (kept > 0 && entries[kept - 1].at == entries[i].at) {
      entries[kept - 1].weight += entries[i].weight;
    } else {
      entries[kept++] = entries[i];
    }
  }
  entries.resize(kept);
}

/// The rows of one small map.
class ItemRows {
 public:
  ItemRows(const Affine* mappings, std::size_t steps, MapSize observed, MapSize size)
      : mappings_(mappings), steps_(steps), observed_(observed), size_(size) {}

  SparseRows build() {
    SparseRows rows{{0}, {}, {}};
    for (std::size_t y = 0; y < observed_.height; y++) {
      checkInterruption();
      for (std::size_t x = 0; x < observed_.width; x++) {
        seeThrough(x, y);
        for (const Entry& entry : entries_) {
          rows.columns.push_back(static_cast<std::uint32_t>(entry.at));
          rows.weights.push_back(entry.weight);
        }
        rows.ends.push_back(rows.columns.size());
      }
    }
    return rows;
  }

 private:
  /// Sets the entries of one small pixel.
  void seeThrough(std::size_t x, std::size_t y) {
    entries_.clear();
    // Clamped: the resize repeats the border.
    const auto clamped = [](double place, std::size_t count) {
      return std::clamp(place, 0.0, static_cast<double>(count - 1));
    };
    add(clamped(halfPixelSource(x, size_.width, observed_.width), size_.width),
        clamped(halfPixelSource(y, size_.height, observed_.height), size_.height), 1);
    for (std::size_t step = steps_; step-- > 0;) {
      const Affine& mapping = mappings_[step];
      before_.swap(entries_);
      entries_.clear();
      for (const Entry& entry : before_) {
        const double column = static_cast<double>(entry.at % size_.width);
        const double row = static_cast<double>(entry.at / size_.width);
        add(mapping.sourceX(column, row), mapping.sourceY(column, row), entry.weight);
      }
      merge(entries_);
    }
  }

  void add(double u, double v, double factor) {
    eachSample(u, v, size_, [&](std::size_t x, std::size_t y, double weight) {
      entries_.push_back({y * size_.width + x, factor * weight});
    });
  }

  const Affine* mappings_;
  std::size_t steps_;
  MapSize observed_, size_;
  std::vector<Entry> entries_, before_;
};

}  // namespace

SparseRows observationMatrix(const Mappings& mappings, MapSize observed, MapSize size) {
  std::vector<SparseRows> items(mappings.count);
  parallelFor(mappings.count, grainFor(kOperationsPerRow * observed.area()), [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) {
      items[i] = ItemRows(mappings.data + i * mappings.steps, mappings.steps, observed, size).build();
    }
  });
  SparseRows all{{0}, {}, {}};
  std::size_t entries = 0;
  for (const SparseRows& item : items) entries += item.columns.size();
  all.ends.reserve(mappings.count * observed.area() + 1);
  all.columns.reserve(entries);
  all.weights.reserve(entries);
  for (SparseRows& item : items) {
    checkInterruption();
    const std::size_t before = all.columns.size();
    for (std::size_t row = 1; row < item.ends.size(); row++) all.ends.push_back(before + item.ends[row]);
    all.columns.insert(all.columns.end(), item.columns.begin(), item.columns.end());
    all.weights.insert(all.weights.end(), item.weights.begin(), item.weights.end());
    item = {};
  }
  return all;
}

SparseRows transposed(const SparseRows& matrix, std::size_t columns) {
  const std::size_t entries = matrix.columns.size();
  SparseRows result{std::vector<std::size_t>(columns + 1), std::vector<std::uint32_t>(entries),
                    std::vector<double>(entries)};
  for (const std::uint32_t column : matrix.columns) result.ends[column + 1]++;
  for (std::size_t column = 0; column < columns; column++) result.ends[column + 1] += result.ends[column];
  std::vector<std::size_t> next(result.ends.begin(), result.ends.end() - 1);
  for (std::size_t row = 0; row < matrix.rows(); row++) {
    if (matrix.ends[row] / kEntriesPerLook != matrix.ends[row + 1] / kEntriesPerLook) checkInterruption();
    for (std::size_t i = matrix.ends[row]; i < matrix.ends[row + 1]; i++) {
      const std::size_t at = next[matrix.columns[i]]++;
      result.columns[at] = static_cast<std::uint32_t>(row);
      result.weights[at] = matrix.weights[i];
    }
  }
  return result;
}

}  // namespace onnx_cam::kernels
