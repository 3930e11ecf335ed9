//VERSION=3
// Sentinel-1 GRD: backscatter of both polarisations in linear power, and the data mask.

const LAYERS = ["VV", "VH", "dataMask"];

function setup() {
  return {
    input: [{ bands: LAYERS }],
    output: { bands: LAYERS.length, sampleType: "FLOAT32" },
    mosaicking: "SIMPLE",
  };
}

function evaluatePixel(sample) {
  return LAYERS.map((layer) => sample[layer]);
}
