template <class T>
static inline __attribute__((always_inline)) T neighbours(const T* u, std::size_t i, std::size_t stride) {
  const T sides = (u[i - 1] + u[i + 1]) + (u[i - stride] + u[i + stride]);
  const T diagonals = (u[i - stride - 1] + u[i - stride + 1]) + (u[i + stride - 1] + u[i + stride + 1]);
  return 2 * sides + diagonals;
}

static inline __attribute__((always_inline)) float product(const Stencil& a, const float* u, std::size_t i,
                                                           std::size_t stride) {
  const float row = a.centre[i] * u[i] + a.east[i] * u[i + 1] + a.east[i - 1] * u[i - 1];
  const float below =
      a.south[i] * u[i + stride] + a.southEast[i] * u[i + stride + 1] + a.southWest[i] * u[i + stride - 1];
  const float above = a.south[i - stride] * u[i - stride] + a.southEast[i - stride - 1] * u[i - stride - 1] +
                      a.southWest[i - stride + 1] * u[i - stride + 1];
  return row + below + above;
}

static void start(const Grid& grid, const float* __restrict inverse, const float* __restrict f, float* __restrict u) {
  for (std::size_t i = grid.first(), last = grid.last(); i < last; i++) u[i] = inverse[i] * f[i];
}

static void pictureRest(const Grid& grid, const PictureStencil& a, const float* __restrict f, const float* __restrict u,
                        float* __restrict rest) {
  const float *degree = a.degree, *mask = a.mask;
  const std::size_t stride = grid.stride();
  for (std::size_t i = grid.first(), last = grid.last(); i < last; i++) {
    rest[i] = f[i] - mask[i] * (degree[i] * u[i] - neighbours(u, i, stride));
  }
}

static void rest(const Grid& grid, const Stencil& a, const float* __restrict f, const float* __restrict u,
                 float* __restrict rest) {
  const Stencil own = a;
  const std::size_t stride = grid.stride();
  for (std::size_t i = grid.first(), last = grid.last(); i < last; i++) rest[i] = f[i] - product(own, u, i, stride);
}

static void pictureSmooth(const Grid& grid, const PictureStencil& a, const float* __restrict inverse,
                          const float* __restrict f, const float* __restrict u, float* __restrict out) {
  const float* degree = a.degree;
  const std::size_t stride = grid.stride();
  for (std::size_t i = grid.first(), last = grid.last(); i < last; i++) {
    out[i] = u[i] + inverse[i] * (f[i] - (degree[i] * u[i] - neighbours(u, i, stride)));
  }
}

static void smooth(const Grid& grid, const Stencil& a, const float* __restrict inverse, const float* __restrict f,
                   const float* __restrict u, float* __restrict out) {
  const Stencil own = a;
  const std::size_t stride = grid.stride();
  for (std::size_t i = grid.first(), last = grid.last(); i < last; i++) {
    out[i] = u[i] + inverse[i] * (f[i] - product(own, u, i, stride));
  }
}

static void restrictTo(const Grid& coarse, const float* __restrict mask, const Grid& fine, const float* __restrict from,
                       float* __restrict row, float* __restrict to) {
  const std::size_t stride = fine.stride();
  for (std::size_t y = 0; y < coarse.height; y++) {
    const float* own = from + (2 * y + 1) * stride;
    const float *above = own - stride, *below = own + stride;
    const float weight = 2 * y + 2 == fine.height ? 1.0f : 0.5f;
    for (std::size_t x = 0; x < stride; x++) row[x] = own[x] + 0.5f * above[x] + weight * below[x];
    const float* cells = row + 1;
    const std::size_t begin = coarse.at(y, 0);
    for (std::size_t x = 0; x < coarse.width; x++) {
      to[begin + x] = mask[begin + x] * (cells[2 * x] + 0.5f * (row[2 * x] + cells[2 * x + 1]));
    }
    if (fine.width % 2 == 0) {
      const std::size_t x = coarse.width - 1;
      to[begin + x] += mask[begin + x] * 0.5f * cells[2 * x + 1];
    }
  }
}

/// A coarse row on the fine columns.
static inline void stretchRow(const float* __restrict coarse, std::size_t coarseWidth, std::size_t width,
                              float* __restrict to) {
  for (std::size_t x = 0; 2 * x + 1 < width; x++) {
    to[2 * x] = coarse[x];
    to[2 * x + 1] = 0.5f * (coarse[x] + coarse[x + 1]);
  }
  to[width - 1] = coarse[coarseWidth - 1];
}

static void prolong(const Grid& coarse, const float* from, const Grid& fine, const float* mask, float* rows,
                    float* to) {
  float *upper = rows, *lower = rows + fine.width;
  stretchRow(from + coarse.at(0, 0), coarse.width, fine.width, upper);
  for (std::size_t y = 0; y < coarse.height; y++) {
    const std::size_t own = fine.at(2 * y, 0);
    for (std::size_t x = 0; x < fine.width; x++) to[own + x] += mask[own + x] * upper[x];
    if (2 * y + 1 == fine.height) break;
    if (y + 1 < coarse.height) stretchRow(from + coarse.at(y + 1, 0), coarse.width, fine.width, lower);
    const float* other = y + 1 < coarse.height ? lower : upper;
    const std::size_t next = own + fine.stride();
    for (std::size_t x = 0; x < fine.width; x++) to[next + x] += mask[next + x] * 0.5f * (upper[x] + other[x]);
    std::swap(upper, lower);
  }
}

/// Sums of several lanes, so that they need not wait for each other.
struct Sums {
  double lanes[8] = {};
  double total() const {
    return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
  }
};

static double apply(const Grid& grid, const PictureStencil& a, const double* __restrict p, double* __restrict q) {
  const float *degree = a.degree, *mask = a.mask;
  const std::size_t stride = grid.stride(), first = grid.first(), last = grid.last();
  for (std::size_t i = first; i < last; i++) {
    q[i] = static_cast<double>(mask[i]) * (static_cast<double>(degree[i]) * p[i] - neighbours(p, i, stride));
  }
  Sums sums;
  std::size_t i = first;
  for (; i + 8 <= last; i += 8) {
    for (std::size_t lane = 0; lane < 8; lane++) sums.lanes[lane] += p[i + lane] * q[i + lane];
  }
  for (; i < last; i++) sums.lanes[0] += p[i] * q[i];
  return sums.total();
}

static double advance(const Grid& grid, double alpha, const double* __restrict p, const double* __restrict q,
                      double* __restrict x, double* __restrict r, float* __restrict f) {
  const std::size_t last = grid.last();
  Sums sums;
  std::size_t i = grid.first();
  for (; i + 8 <= last; i += 8) {
    for (std::size_t lane = 0; lane < 8; lane++) {
      const std::size_t at = i + lane;
      x[at] += alpha * p[at];
      const double rest = r[at] - alpha * q[at];
      r[at] = rest;
      f[at] = static_cast<float>(rest);
      sums.lanes[lane] += rest * rest;
    }
  }
  for (; i < last; i++) {
    x[i] += alpha * p[i];
    r[i] -= alpha * q[i];
    f[i] = static_cast<float>(r[i]);
    sums.lanes[0] += r[i] * r[i];
  }
  return sums.total();
}

static void turn(const Grid& grid, double beta, const float* __restrict z, double* __restrict p) {
  for (std::size_t i = grid.first(), last = grid.last(); i < last; i++) p[i] = static_cast<double>(z[i]) + beta * p[i];
}

static double dot(const Grid& grid, const double* r, const float* z) {
  const std::size_t last = grid.last();
  Sums sums;
  std::size_t i = grid.first();
  for (; i + 8 <= last; i += 8) {
    for (std::size_t lane = 0; lane < 8; lane++) sums.lanes[lane] += r[i + lane] * static_cast<double>(z[i + lane]);
  }
  for (; i < last; i++) sums.lanes[0] += r[i] * static_cast<double>(z[i]);
  return sums.total();
}

static constexpr GridLoops loops{start,   pictureRest, rest,    pictureSmooth, smooth, restrictTo,
                                 prolong, apply,       advance, turn,          dot};
