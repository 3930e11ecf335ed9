//VERSION=3
// Sentinel-2 L1C: the seven bands of the detectors and the data mask, as whole numbers; there is no classification.
// Digital numbers cost half of what floats cost, and lose nothing: reflectance is delivered in steps of 0.0001.

const LAYERS = ["B02", "B03", "B04", "B08", "B8A", "B11", "B12", "dataMask"];

function setup() {
  return {
    input: [{ bands: LAYERS, units: "DN" }],
    output: { bands: LAYERS.length, sampleType: "UINT16" },
    mosaicking: "SIMPLE",
  };
}

function evaluatePixel(sample) {
  return LAYERS.map((layer) => sample[layer]);
}
