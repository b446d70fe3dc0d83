// RUN: frit-opt %s --frit-fuse | FileCheck %s
// RUN: frit-opt %s --frit-fuse --remarks-filter=Fuse --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK

// Fuse makes groups. Each case says what belongs together, or why it does not.

!x = tensor<4x32xf32, #frit.axes<b, d>>
!r = tensor<4xf32, #frit.axes<b>>
!d = tensor<32xf32, #frit.axes<d>>

// A chain is one group; a value that is needed outside leaves it beside the last.
// CHECK-LABEL: @chain
// CHECK: %[[G:.*]]:2 = frit.group(%arg0, %arg1)
// CHECK: frit.mul
// CHECK: frit.add
// CHECK: frit.exp
// CHECK: } {kind = "elementwise"}
// CHECK-NOT: frit.group
// CHECK: return %[[G]]#0, %[[G]]#1
func.func @chain(%x: !x, %y: !d) -> (!x, !x) {
  %0 = frit.mul %x, %y : (!x, !d) -> !x
  %1 = frit.add %0, %x : (!x, !x) -> !x
  %2 = frit.exp %1 : (!x) -> !x
  return %1, %2 : !x, !x
}

// A reduction along the innermost axis keeps its row: what feeds it, what it leaves, and what comes
// back to the row are one group.
// CHECK-LABEL: @row
// CHECK: frit.group(%arg0)
// CHECK: frit.mul
// CHECK: frit.sum
// CHECK: frit.sqrt
// CHECK: frit.div
// CHECK: } {kind = "row"}
// CHECK-NOT: frit.group
func.func @row(%x: !x) -> !x {
  %0 = frit.mul %x, %x : (!x, !x) -> !x
  %1 = frit.sum %0 {over = #frit.axes<d>} : (!x) -> !r
  %2 = frit.sqrt %1 : (!r) -> !r
  %3 = frit.div %x, %2 : (!x, !r) -> !x
  return %3 : !x
}

// Reductions of one value along outer axes are one group.
// CHECK-LABEL: @columns
// CHECK: frit.group(%arg0)
// CHECK-DAG: frit.sum
// CHECK-DAG: frit.max
// CHECK: } {kind = "column"}
// CHECK-NOT: frit.group
func.func @columns(%x: !x) -> (!d, !d) {
  %0 = frit.sum %x {over = #frit.axes<b>} : (!x) -> !d
  %1 = frit.max %x {over = #frit.axes<b>} : (!x) -> !d
  return %0, %1 : !d, !d
}

// One name, two sizes (the tables of two embeddings): two spaces, two groups.
// CHECK-LABEL: @same_name_other_size
// CHECK: frit.group
// CHECK: frit.group
// REMARK: remark: [{{.*}}] different-spaces {{.*}}frit.sum and frit.mul stay apart
func.func @same_name_other_size(%x: tensor<8xf32, #frit.axes<n>>, %y: tensor<6xf32, #frit.axes<n>>, %c: tensor<f32>) -> (tensor<f32>, tensor<6xf32, #frit.axes<n>>) {
  %0 = frit.mul %x, %x : (tensor<8xf32, #frit.axes<n>>, tensor<8xf32, #frit.axes<n>>) -> tensor<8xf32, #frit.axes<n>>
  %1 = frit.sum %0 {over = #frit.axes<n>} : (tensor<8xf32, #frit.axes<n>>) -> tensor<f32>
  %2 = frit.mul %y, %1 : (tensor<6xf32, #frit.axes<n>>, tensor<f32>) -> tensor<6xf32, #frit.axes<n>>
  return %1, %2 : tensor<f32>, tensor<6xf32, #frit.axes<n>>
}

// Along both axes: two walks, two groups.
// CHECK-LABEL: @both_ways_stay_apart
// CHECK: } {kind = "row"}
// CHECK: } {kind = "column"}
// REMARK: remark: [{{.*}}] different-reduced-axes {{.*}}frit.sub and frit.sum stay apart
func.func @both_ways_stay_apart(%x: !x) -> (!x, !d) {
  %0 = frit.sum %x {over = #frit.axes<d>} : (!x) -> !r
  %1 = frit.sub %x, %0 : (!x, !r) -> !x
  %2 = frit.sum %1 {over = #frit.axes<b>} : (!x) -> !d
  return %1, %2 : !x, !d
}

// Constants and positions are made where they are used; nothing is left of them outside.
// CHECK-LABEL: @constants_are_copied
// CHECK-NEXT: frit.group(%arg0)
// CHECK: frit.constant
// CHECK: frit.index
// CHECK: frit.leave
// CHECK-NEXT: }
// CHECK-NEXT: return
func.func @constants_are_copied(%x: !x) -> !x {
  %c = frit.constant {axes = #frit.axes<>, element = "f32", value = 2.0} : () -> tensor<f32>
  %i = frit.index {axes = #frit.axes<d>} : () -> tensor<32xi32, #frit.axes<d>>
  %f = frit.cast %i {to = "f32"} : (tensor<32xi32, #frit.axes<d>>) -> !d
  %0 = frit.mul %x, %c : (!x, tensor<f32>) -> !x
  %1 = frit.add %0, %f : (!x, !d) -> !x
  return %1 : !x
}

// A contraction between two values: a group with both would wait for itself.
// CHECK-LABEL: @no_cycles
// CHECK: frit.group
// CHECK: frit.contract
// CHECK: frit.group
// REMARK: remark: [{{.*}}] cycle {{.*}}frit.exp and frit.add stay apart
func.func @no_cycles(%x: !x, %w: tensor<32x32xf32, #frit.axes<d, e>>) -> !x {
  %0 = frit.exp %x : (!x) -> !x
  %1 = frit.contract %0, %w {over = #frit.axes<d>} : (!x, tensor<32x32xf32, #frit.axes<d, e>>) -> tensor<4x32xf32, #frit.axes<b, e>>
  %2 = frit.rename %1 {from = "e", to = "d"} : (tensor<4x32xf32, #frit.axes<b, e>>) -> !x
  %3 = frit.add %0, %2 : (!x, !x) -> !x
  return %3 : !x
}

// A gather needs its operand whole.
// CHECK-LABEL: @gathered_values_stay_outside
// CHECK: frit.group(%arg0)
// CHECK: frit.exp
// CHECK: frit.group
// CHECK: frit.gather
// REMARK: remark: [{{.*}}] gathered-value {{.*}}frit.exp and frit.gather stay apart
func.func @gathered_values_stay_outside(%x: !x, %i: tensor<4xi32, #frit.axes<b>>) -> !x {
  %0 = frit.exp %x : (!x) -> !x
  %1 = frit.gather %0, %i {axes = #frit.axes<b>} : (!x, tensor<4xi32, #frit.axes<b>>) -> !x
  return %1 : !x
}

// An expensive small value is not computed again for each row.
// CHECK-LABEL: @expensive_small_values_stay_outside
// CHECK: frit.group(%arg1)
// CHECK: frit.exp
// CHECK: frit.group
// CHECK-NOT: frit.exp
// CHECK: return
// REMARK: remark: [{{.*}}] smaller-space {{.*}}frit.exp and frit.mul stay apart
func.func @expensive_small_values_stay_outside(%x: !x, %y: !d) -> !x {
  %0 = frit.exp %y : (!d) -> !d
  %1 = frit.mul %x, %0 : (!x, !d) -> !x
  return %1 : !x
}

// A scatter in which nothing meets is a comparison, and fuses.
// CHECK-LABEL: @aligned_scatter_is_a_comparison
// CHECK-NOT: frit.scatter
// CHECK: frit.group
// CHECK: frit.eq
// CHECK: frit.select
// CHECK: frit.add
// CHECK: } {kind = "elementwise"}
func.func @aligned_scatter_is_a_comparison(%g: !r, %i: tensor<4xi32, #frit.axes<b>>, %x: !x) -> !x {
  %0 = frit.scatter %g, %i {into = #frit.axes<d>, aligned = #frit.axes<b>, mode = "add"} : (!r, tensor<4xi32, #frit.axes<b>>) -> !x
  %1 = frit.add %0, %x : (!x, !x) -> !x
  return %1 : !x
}

// A sum with a scatter is a scatter onto the other side.
// CHECK-LABEL: @scatter_onto
// CHECK: frit.scatter %arg0, %arg1, %arg2 {{.*}} onto
// CHECK-NOT: frit.group
func.func @scatter_onto(%g: tensor<6x32xf32, #frit.axes<t, d>>, %i: tensor<6xi32, #frit.axes<t>>, %x: !x) -> !x {
  %0 = frit.scatter %g, %i {into = #frit.axes<b>, mode = "add"} : (tensor<6x32xf32, #frit.axes<t, d>>, tensor<6xi32, #frit.axes<t>>) -> !x
  %1 = frit.add %0, %x : (!x, !x) -> !x
  return %1 : !x
}

// A reduction to one number would keep all threads but one idle: first row by row, then the rest.
// CHECK-LABEL: @large_reductions_are_cut
// CHECK: frit.group(%arg0)
// CHECK: frit.mul
// CHECK: frit.sum {{.*}} {over = #frit.axes<d>} : {{.*}} -> tensor<512xf32, #frit.axes<v>>
// CHECK: frit.group
// CHECK: frit.sum {{.*}} {over = #frit.axes<v>} : {{.*}} -> tensor<f32>
func.func @large_reductions_are_cut(%x: tensor<512x128xf32, #frit.axes<v, d>>) -> tensor<f32> {
  %0 = frit.mul %x, %x : (tensor<512x128xf32, #frit.axes<v, d>>, tensor<512x128xf32, #frit.axes<v, d>>) -> tensor<512x128xf32, #frit.axes<v, d>>
  %1 = frit.sum %0 {over = #frit.axes<v, d>} : (tensor<512x128xf32, #frit.axes<v, d>>) -> tensor<f32>
  return %1 : tensor<f32>
}

// The body of a loop has groups of its own.
// CHECK-LABEL: @inside_loops
// CHECK: frit.scan
// CHECK: frit.group
// CHECK: frit.yield
func.func @inside_loops(%h: !x) -> !x {
  %r = frit.scan(%h) slices() {
  ^bb0(%i: tensor<i32>, %c: !x):
    %n = frit.add %c, %c : (!x, !x) -> !x
    %m = frit.exp %n : (!x) -> !x
    frit.yield %m : !x
  } {axis = "l", size = 6 : i64, kind = "layers", operandSegmentSizes = array<i32: 1, 0>} : (!x) -> !x
  return %r : !x
}
