"""Small .npy files as numpy writes them. Usage: python make_npy.py (writes beside itself)."""

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
values = (np.arange(24, dtype=np.float32) - 7.5) / 3
np.save(HERE / "float32-2x3x4.npy", values.reshape(2, 3, 4))
np.save(HERE / "float32-24.npy", values)
np.save(HERE / "float32-scalar.npy", np.float32(0.25))
np.save(HERE / "float32-fortran.npy", np.asfortranarray(values.reshape(4, 6)))
np.save(HERE / "float64.npy", values.astype(np.float64))
np.save(HERE / "big-endian.npy", values.astype(">f4"))
np.save(HERE / "structured.npy", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i2")]))
with open(HERE / "version2.npy", "wb") as file:
    np.lib.format.write_array(file, values.reshape(4, 6), version=(2, 0))
