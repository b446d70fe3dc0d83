// All op records, by family.
include "dialect/ops/Control.td"
include "dialect/ops/Elementwise.td"
include "dialect/ops/Fused.td"
include "dialect/ops/Linear.td"
include "dialect/ops/Random.td"
include "dialect/ops/Reduce.td"
include "dialect/ops/Shape.td"
include "dialect/ops/State.td"
