// RUN: frit-opt %s --frit-simplify | FileCheck %s

// One case per rule of Simplify, named after it; @keeps_... must not change.

!r = tensor<f32>
!a = tensor<3xf32, #frit.axes<a>>
!b = tensor<4xf32, #frit.axes<b>>
!ab = tensor<3x4xf32, #frit.axes<a, b>>
!abc = tensor<3x4x5xf32, #frit.axes<a, b, c>>
!ac = tensor<3x5xf32, #frit.axes<a, c>>
!ma = tensor<3xi1, #frit.axes<a>>

//===-- Arithmetic --------------------------------------------------------------------------===//

// 2 * 3 + 1 = 7
// CHECK-LABEL: @fold_constants
// CHECK: %[[C:.*]] = frit.constant {{.*}}value = 7.0
// CHECK-NEXT: return %[[C]]
func.func @fold_constants() -> !r {
  %0 = frit.constant {value = 2.0 : f64, element = "f32", axes = #frit.axes<>} : () -> !r
  %1 = frit.constant {value = 3.0 : f64, element = "f32", axes = #frit.axes<>} : () -> !r
  %2 = frit.constant {value = 1.0 : f64, element = "f32", axes = #frit.axes<>} : () -> !r
  %3 = frit.mul %0, %1 : (!r, !r) -> !r
  %4 = frit.add %3, %2 : (!r, !r) -> !r
  return %4 : !r
}

// 0 / 0 stays: whoever wrote it sees where the NaN comes from.
// CHECK-LABEL: @keeps_nan
// CHECK: frit.div
func.func @keeps_nan() -> !r {
  %0 = frit.constant {value = 0.0 : f64, element = "f32", axes = #frit.axes<>} : () -> !r
  %1 = frit.div %0, %0 : (!r, !r) -> !r
  return %1 : !r
}

// exp of a broadcast is a broadcast of exp.
// CHECK-LABEL: @broadcast_last
// CHECK: %[[E:.*]] = frit.exp %arg0 : (tensor<3xf32
// CHECK: frit.broadcast %[[E]]
func.func @broadcast_last(%x: !a) -> !ab {
  %0 = frit.broadcast %x {axes = #frit.axes<a, b>} : (!a) -> !ab
  %1 = frit.exp %0 : (!ab) -> !ab
  return %1 : !ab
}

// Where the other operand has the axes anyway, a broadcast is nothing.
// CHECK-LABEL: @broadcast_into_product
// CHECK-NEXT: %[[P:.*]] = frit.mul %arg0, %arg1
// CHECK-NEXT: return %[[P]]
func.func @broadcast_into_product(%x: !a, %y: !ab) -> !ab {
  %0 = frit.broadcast %x {axes = #frit.axes<a, b>} : (!a) -> !ab
  %1 = frit.mul %0, %y : (!ab, !ab) -> !ab
  return %1 : !ab
}

// CHECK-LABEL: @neutral
// CHECK-NEXT: return %arg0
func.func @neutral(%x: !a) -> !a {
  %zero = frit.constant {value = 0.0 : f64, element = "f32", axes = #frit.axes<a>} : () -> !a
  %one = frit.constant {value = 1.0 : f64, element = "f32", axes = #frit.axes<>} : () -> !r
  %0 = frit.add %x, %zero : (!a, !a) -> !a
  %1 = frit.sub %0, %zero : (!a, !a) -> !a
  %2 = frit.mul %one, %1 : (!r, !a) -> !a
  %3 = frit.div %2, %one : (!a, !r) -> !a
  return %3 : !a
}

// A neutral operand may still have widened the value.
// CHECK-LABEL: @neutral_but_wider
// CHECK-NEXT: %[[B:.*]] = frit.broadcast %arg0
// CHECK-NEXT: return %[[B]]
func.func @neutral_but_wider(%x: !a) -> !ab {
  %zero = frit.constant {value = 0.0 : f64, element = "f32", axes = #frit.axes<b>} : () -> !b
  %0 = frit.add %x, %zero : (!a, !b) -> !ab
  return %0 : !ab
}

// x * 0 and x - x are not zero for infinities.
// CHECK-LABEL: @keeps_special_values
// CHECK: frit.mul
// CHECK: frit.sub
func.func @keeps_special_values(%x: !a) -> (!a, !a) {
  %zero = frit.constant {value = 0.0 : f64, element = "f32", axes = #frit.axes<>} : () -> !r
  %0 = frit.mul %x, %zero : (!a, !r) -> !a
  %1 = frit.sub %x, %x : (!a, !a) -> !a
  return %0, %1 : !a, !a
}

// 0 - (-(x + -y) * 2) * 3 = (x - y) * 6
// CHECK-LABEL: @signs_and_factors
// CHECK-DAG: %[[SIX:.*]] = frit.constant {{.*}}value = 6.0
// CHECK-DAG: %[[D:.*]] = frit.sub %arg0, %arg1
// CHECK: %[[P:.*]] = frit.mul %[[D]], %[[SIX]]
// CHECK-NEXT: return %[[P]]
func.func @signs_and_factors(%x: !a, %y: !a) -> !a {
  %two = frit.constant {value = 2.0 : f64, element = "f32", axes = #frit.axes<>} : () -> !r
  %three = frit.constant {value = 3.0 : f64, element = "f32", axes = #frit.axes<>} : () -> !r
  %zero = frit.constant {value = 0.0 : f64, element = "f32", axes = #frit.axes<>} : () -> !r
  %0 = frit.neg %y : (!a) -> !a
  %1 = frit.add %x, %0 : (!a, !a) -> !a
  %2 = frit.mul %1, %two : (!a, !r) -> !a
  %3 = frit.mul %three, %2 : (!r, !a) -> !a
  %4 = frit.neg %3 : (!a) -> !a
  %5 = frit.sub %zero, %4 : (!r, !a) -> !a
  return %5 : !a
}

// --x = x; -x * -y = x * y; x - -y = x + y
// CHECK-LABEL: @double_negatives
// CHECK-DAG: %[[P:.*]] = frit.mul %arg0, %arg1
// CHECK-DAG: %[[S:.*]] = frit.add %arg0, %arg1
// CHECK: return %arg0, %[[P]], %[[S]]
func.func @double_negatives(%x: !a, %y: !a) -> (!a, !a, !a) {
  %0 = frit.neg %x : (!a) -> !a
  %1 = frit.neg %0 : (!a) -> !a
  %2 = frit.neg %y : (!a) -> !a
  %3 = frit.mul %0, %2 : (!a, !a) -> !a
  %4 = frit.sub %x, %2 : (!a, !a) -> !a
  return %1, %3, %4 : !a, !a, !a
}

// Division by a power of two is an exact product; by as many numbers as there are it stays.
// CHECK-LABEL: @divide_by_constant
// CHECK-DAG: %[[Q:.*]] = frit.constant {{.*}}value = 2.5{{0*}}e-01
// CHECK-DAG: frit.mul %arg0, %[[Q]]
// CHECK-DAG: frit.div %arg0
func.func @divide_by_constant(%x: !a, %y: !a) -> (!a, !a) {
  %four = frit.constant {value = 4.0 : f64, element = "f32", axes = #frit.axes<>} : () -> !r
  %0 = frit.div %x, %four : (!a, !r) -> !a
  %1 = frit.div %x, %y : (!a, !a) -> !a
  return %0, %1 : !a, !a
}

// One division per row instead of one per element; 1 / 192 is a constant.
// CHECK-LABEL: @divide_once
// CHECK-DAG: %[[ONE:.*]] = frit.constant {{.*}}value = 1.0
// CHECK-DAG: %[[R:.*]] = frit.div %[[ONE]], %arg1
// CHECK-DAG: %[[P:.*]] = frit.mul %arg0, %[[R]]
// CHECK-DAG: %[[C:.*]] = frit.constant {{.*}}value = 0.00520833
// CHECK-DAG: %[[Q:.*]] = frit.mul %arg0, %[[C]]
// CHECK: return %[[P]], %[[Q]]
func.func @divide_once(%x: !ab, %y: !a) -> (!ab, !ab) {
  %c = frit.constant {value = 192.0 : f64, element = "f32", axes = #frit.axes<>} : () -> !r
  %0 = frit.div %x, %y : (!ab, !a) -> !ab
  %1 = frit.div %x, %c : (!ab, !r) -> !ab
  return %0, %1 : !ab, !ab
}

// The sign leaves products and quotients and meets the addition.
// CHECK-LABEL: @sign_out_of_products
// CHECK: %[[P:.*]] = frit.mul %arg0, %arg1
// CHECK: %[[Q:.*]] = frit.div %[[P]], %arg2
// CHECK: %[[D:.*]] = frit.sub %arg3, %[[Q]]
// CHECK-NEXT: return %[[D]]
func.func @sign_out_of_products(%x: !a, %y: !a, %z: !a, %w: !a) -> !a {
  %0 = frit.neg %x : (!a) -> !a
  %1 = frit.mul %0, %y : (!a, !a) -> !a
  %2 = frit.div %1, %z : (!a, !a) -> !a
  %3 = frit.add %w, %2 : (!a, !a) -> !a
  return %3 : !a
}

// CHECK-LABEL: @small_powers
// CHECK-NOT: frit.pow
// CHECK-DAG: %[[S:.*]] = frit.mul %arg0, %arg0
// CHECK-DAG: frit.mul %[[S]], %arg0
// CHECK-DAG: frit.sqrt %arg0
// CHECK-DAG: frit.rsqrt %arg0
// CHECK-DAG: frit.div %{{.*}}, %arg0
// CHECK: return
func.func @small_powers(%x: !a) -> (!a, !a, !a, !a, !a) {
  %2 = frit.constant {value = 2.0 : f64, element = "f32", axes = #frit.axes<>} : () -> !r
  %3 = frit.constant {value = 3.0 : f64, element = "f32", axes = #frit.axes<>} : () -> !r
  %half = frit.constant {value = 0.5 : f64, element = "f32", axes = #frit.axes<>} : () -> !r
  %minus_half = frit.constant {value = -0.5 : f64, element = "f32", axes = #frit.axes<>} : () -> !r
  %minus_one = frit.constant {value = -1.0 : f64, element = "f32", axes = #frit.axes<>} : () -> !r
  %a = frit.pow %x, %2 : (!a, !r) -> !a
  %b = frit.pow %x, %3 : (!a, !r) -> !a
  %c = frit.pow %x, %half : (!a, !r) -> !a
  %d = frit.pow %x, %minus_half : (!a, !r) -> !a
  %e = frit.pow %x, %minus_one : (!a, !r) -> !a
  return %a, %b, %c, %d, %e : !a, !a, !a, !a, !a
}

// CHECK-LABEL: @keeps_other_powers
// CHECK: frit.pow
func.func @keeps_other_powers(%x: !a) -> !a {
  %c = frit.constant {value = 0.3 : f64, element = "f32", axes = #frit.axes<>} : () -> !r
  %0 = frit.pow %x, %c : (!a, !r) -> !a
  return %0 : !a
}

// CHECK-LABEL: @exp_and_log
// CHECK-NEXT: %[[L:.*]] = frit.log_softmax %arg0
// CHECK-NEXT: return %arg0, %arg0, %[[L]]
func.func @exp_and_log(%x: !a) -> (!a, !a, !a) {
  %0 = frit.exp %x : (!a) -> !a
  %1 = frit.log %0 : (!a) -> !a
  %2 = frit.log %x : (!a) -> !a
  %3 = frit.exp %2 : (!a) -> !a
  %4 = frit.softmax %x {over = #frit.axes<a>} : (!a) -> !a
  %5 = frit.log %4 : (!a) -> !a
  return %1, %3, %5 : !a, !a, !a
}

// CHECK-LABEL: @softmax_of_shifted
// CHECK-NEXT: %[[S:.*]] = frit.softmax %arg0
// CHECK-NEXT: return %[[S]]
func.func @softmax_of_shifted(%x: !a, %c: !r) -> !a {
  %0 = frit.sub %x, %c : (!a, !r) -> !a
  %1 = frit.softmax %0 {over = #frit.axes<a>} : (!a) -> !a
  return %1 : !a
}

// CHECK-LABEL: @keeps_other_shifts
// CHECK: frit.sub
func.func @keeps_other_shifts(%x: !a, %y: !a) -> !a {
  %0 = frit.sub %x, %y : (!a, !a) -> !a
  %1 = frit.softmax %0 {over = #frit.axes<a>} : (!a) -> !a
  return %1 : !a
}

// A known condition, equal arms, a negated condition, the same condition again.
// CHECK-LABEL: @select_known
// CHECK-NEXT: %[[S:.*]] = frit.select %arg0, %arg2, %arg1
// CHECK-NEXT: %[[T:.*]] = frit.select %arg0, %arg1, %arg2
// CHECK-NEXT: return %arg1, %arg1, %[[S]], %[[T]]
func.func @select_known(%c: !ma, %x: !a, %y: !a) -> (!a, !a, !a, !a) {
  %true = frit.constant {value = 1.0 : f64, element = "i1", axes = #frit.axes<>} : () -> tensor<i1>
  %0 = frit.select %true, %x, %y : (tensor<i1>, !a, !a) -> !a
  %1 = frit.select %c, %x, %x : (!ma, !a, !a) -> !a
  %n = frit.not %c : (!ma) -> !ma
  %2 = frit.select %n, %x, %y : (!ma, !a, !a) -> !a
  %i = frit.select %c, %x, %2 : (!ma, !a, !a) -> !a
  %3 = frit.select %c, %i, %y : (!ma, !a, !a) -> !a
  return %0, %1, %2, %3 : !a, !a, !a, !a
}

// CHECK-LABEL: @logic
// CHECK-NEXT: return %arg0, %arg0, %arg0
func.func @logic(%c: !ma) -> (!ma, !ma, !ma) {
  %true = frit.constant {value = 1.0 : f64, element = "i1", axes = #frit.axes<>} : () -> tensor<i1>
  %false = frit.constant {value = 0.0 : f64, element = "i1", axes = #frit.axes<>} : () -> tensor<i1>
  %0 = frit.and %c, %true : (!ma, tensor<i1>) -> !ma
  %1 = frit.or %false, %c : (tensor<i1>, !ma) -> !ma
  %2 = frit.not %c : (!ma) -> !ma
  %3 = frit.not %2 : (!ma) -> !ma
  return %0, %1, %3 : !ma, !ma, !ma
}

// CHECK-LABEL: @cast_to_same
// CHECK-NEXT: return %arg0
func.func @cast_to_same(%x: !a) -> !a {
  %0 = frit.cast %x {to = "f32"} : (!a) -> !a
  return %0 : !a
}

// Nothing is left to differentiate.
// CHECK-LABEL: @stop_nothing
// CHECK-NEXT: return %arg0
func.func @stop_nothing(%x: !a) -> !a {
  %0 = frit.stop_gradient %x : (!a) -> !a
  return %0 : !a
}

// CHECK-LABEL: @slope_is_used
// CHECK-NEXT: return %arg0
func.func @slope_is_used(%x: !a, %y: !a, %slope: !a) -> !a {
  %0 = frit.with_slope %x, %y, %slope : (!a, !a, !a) -> !a
  return %0 : !a
}

//===-- Shapes ------------------------------------------------------------------------------===//

// CHECK-LABEL: @broadcasts
// CHECK-NEXT: %[[B:.*]] = frit.broadcast %arg0 {{.*}} : (tensor<3xf32, #frit.axes<a>>) -> tensor<3x4x5xf32
// CHECK-NEXT: return %[[B]]
func.func @broadcasts(%x: !a) -> !abc {
  %0 = frit.broadcast %x {axes = #frit.axes<a>} : (!a) -> !a
  %1 = frit.broadcast %0 {axes = #frit.axes<b>} : (!a) -> !ab
  %2 = frit.broadcast %1 {axes = #frit.axes<c>} : (!ab) -> !abc
  return %2 : !abc
}

// a -> z -> y = a -> y; a -> z -> a is nothing.
// CHECK-LABEL: @renames
// CHECK-NEXT: %[[R:.*]] = frit.rename %arg0 {from = "a", to = "y"}
// CHECK-NEXT: return %[[R]], %arg0
func.func @renames(%x: !a) -> (tensor<3xf32, #frit.axes<y>>, !a) {
  %0 = frit.rename %x {from = "a", to = "z"} : (!a) -> tensor<3xf32, #frit.axes<z>>
  %1 = frit.rename %0 {from = "z", to = "y"}
    : (tensor<3xf32, #frit.axes<z>>) -> tensor<3xf32, #frit.axes<y>>
  %2 = frit.rename %0 {from = "z", to = "a"} : (tensor<3xf32, #frit.axes<z>>) -> !a
  return %1, %2 : tensor<3xf32, #frit.axes<y>>, !a
}

// The name goes into what makes the axis.
// CHECK-LABEL: @rename_of_makers
// CHECK-DAG: frit.index {axes = #frit.axes<z>}
// CHECK-DAG: frit.broadcast %arg0 {{.*}} -> tensor<3x4xf32, #frit.axes<z, b>>
// CHECK-NOT: frit.rename
// CHECK: return
func.func @rename_of_makers(%x: !b) -> (tensor<3xi32, #frit.axes<z>>, tensor<3x4xf32, #frit.axes<z, b>>) {
  %0 = frit.index {axes = #frit.axes<a>} : () -> tensor<3xi32, #frit.axes<a>>
  %1 = frit.rename %0 {from = "a", to = "z"}
    : (tensor<3xi32, #frit.axes<a>>) -> tensor<3xi32, #frit.axes<z>>
  %2 = frit.broadcast %x {axes = #frit.axes<a, b>} : (!b) -> !ab
  %3 = frit.rename %2 {from = "a", to = "z"} : (!ab) -> tensor<3x4xf32, #frit.axes<z, b>>
  return %1, %3 : tensor<3xi32, #frit.axes<z>>, tensor<3x4xf32, #frit.axes<z, b>>
}

// CHECK-LABEL: @split_and_merge
// CHECK-NEXT: return %arg0, %arg1
func.func @split_and_merge(%x: !ab, %y: tensor<12xf32, #frit.axes<m>>) -> (!ab, tensor<12xf32, #frit.axes<m>>) {
  %0 = frit.merge %x {axes = #frit.axes<b, a>, into = "m"} : (!ab) -> tensor<12xf32, #frit.axes<m>>
  %1 = frit.split %0 {axis = "m", into = #frit.axes<b, a>} : (tensor<12xf32, #frit.axes<m>>) -> !ab
  %2 = frit.split %y {axis = "m", into = #frit.axes<a, b>} : (tensor<12xf32, #frit.axes<m>>) -> !ab
  %3 = frit.merge %2 {axes = #frit.axes<a, b>, into = "m"} : (!ab) -> tensor<12xf32, #frit.axes<m>>
  return %1, %3 : !ab, tensor<12xf32, #frit.axes<m>>
}

// Split into another order moves elements.
// CHECK-LABEL: @keeps_split_in_other_order
// CHECK: frit.merge
// CHECK: frit.split
func.func @keeps_split_in_other_order(%x: tensor<4x4xf32, #frit.axes<a, b>>) -> tensor<4x4xf32, #frit.axes<a, b>> {
  %0 = frit.merge %x {axes = #frit.axes<a, b>, into = "m"} : (tensor<4x4xf32, #frit.axes<a, b>>) -> tensor<16xf32, #frit.axes<m>>
  %1 = frit.split %0 {axis = "m", into = #frit.axes<b, a>} : (tensor<16xf32, #frit.axes<m>>) -> tensor<4x4xf32, #frit.axes<a, b>>
  return %1 : tensor<4x4xf32, #frit.axes<a, b>>
}

// CHECK-LABEL: @slice_of_stack
// CHECK-NEXT: return %arg1, %arg0
func.func @slice_of_stack(%x: !a, %y: !a) -> (!a, !a) {
  %0 = frit.stack %x, %y {axis = "s"} : (!a, !a) -> tensor<2x3xf32, #frit.axes<s, a>>
  %1 = frit.slice %0 {axis = "s", at = 1 : i64} : (tensor<2x3xf32, #frit.axes<s, a>>) -> !a
  %2 = frit.broadcast %x {axes = #frit.axes<b>} : (!a) -> tensor<4x3xf32, #frit.axes<b, a>>
  %3 = frit.slice %2 {axis = "b", at = 2 : i64} : (tensor<4x3xf32, #frit.axes<b, a>>) -> !a
  return %1, %3 : !a, !a
}

//===-- Reductions and contractions ---------------------------------------------------------===//

// CHECK-LABEL: @sum_of_sum
// CHECK-NEXT: %[[S:.*]] = frit.sum %arg0 {over = #frit.axes<b, a>}
// CHECK-NEXT: return %[[S]]
func.func @sum_of_sum(%x: !ab) -> !r {
  %0 = frit.sum %x {over = #frit.axes<b>} : (!ab) -> !a
  %1 = frit.sum %0 {over = #frit.axes<>} : (!a) -> !a
  %2 = frit.sum %1 {over = #frit.axes<a>} : (!a) -> !r
  return %2 : !r
}

// CHECK-LABEL: @sum_of_broadcast
// CHECK-DAG: %[[FOUR:.*]] = frit.constant {{.*}}value = 4.0
// CHECK-DAG: %[[S:.*]] = frit.sum %arg0 {over = #frit.axes<a>}
// CHECK: %[[P:.*]] = frit.mul %[[S]], %[[FOUR]]
// CHECK-NEXT: return %[[P]]
func.func @sum_of_broadcast(%x: !a) -> !r {
  %0 = frit.broadcast %x {axes = #frit.axes<a, b>} : (!a) -> !ab
  %1 = frit.sum %0 {over = #frit.axes<a, b>} : (!ab) -> !r
  return %1 : !r
}

// CHECK-LABEL: @sum_of_negative
// CHECK-NEXT: %[[S:.*]] = frit.sum %arg0
// CHECK-NEXT: %[[N:.*]] = frit.neg %[[S]]
func.func @sum_of_negative(%x: !a) -> !r {
  %0 = frit.neg %x : (!a) -> !a
  %1 = frit.sum %0 {over = #frit.axes<a>} : (!a) -> !r
  return %1 : !r
}

// y lacks b: it is multiplied once per a, after the sum over b.
// CHECK-LABEL: @sum_of_factor
// CHECK-NEXT: %[[S:.*]] = frit.sum %arg0 {over = #frit.axes<b>}
// CHECK-NEXT: %[[P:.*]] = frit.mul %[[S]], %arg1
// CHECK-NEXT: %[[T:.*]] = frit.sum %[[P]] {over = #frit.axes<a>}
// CHECK-NEXT: return %[[T]]
func.func @sum_of_factor(%x: !ab, %y: !a) -> !r {
  %0 = frit.mul %x, %y : (!ab, !a) -> !ab
  %1 = frit.sum %0 {over = #frit.axes<a, b>} : (!ab) -> !r
  return %1 : !r
}

// c is contracted too; a belongs to one side and is summed there first.
// CHECK-LABEL: @sum_of_contract
// CHECK-NEXT: %[[S:.*]] = frit.sum %arg0 {over = #frit.axes<a>}
// CHECK-NEXT: %[[C:.*]] = frit.contract %[[S]], %arg1 {over = #frit.axes<b, c>}
// CHECK-NEXT: return %[[C]]
func.func @sum_of_contract(%x: !abc, %y: tensor<4x5xf32, #frit.axes<b, c>>) -> !r {
  %0 = frit.contract %x, %y {over = #frit.axes<b>} : (!abc, tensor<4x5xf32, #frit.axes<b, c>>) -> !ac
  %1 = frit.sum %0 {over = #frit.axes<c, a>} : (!ac) -> !r
  return %1 : !r
}

// The product would be larger than its factors: a contraction.
// CHECK-LABEL: @sum_of_product
// CHECK-NEXT: %[[C:.*]] = frit.contract %arg0, %arg1 {over = #frit.axes<b>}
func.func @sum_of_product(%x: !ab, %y: tensor<4x5xf32, #frit.axes<b, c>>) -> !ac {
  %0 = frit.mul %x, %y : (!ab, tensor<4x5xf32, #frit.axes<b, c>>) -> !abc
  %1 = frit.sum %0 {over = #frit.axes<b>} : (!abc) -> !ac
  return %1 : !ac
}

// A row reduction stays one.
// CHECK-LABEL: @keeps_sum_of_rows
// CHECK: frit.mul
// CHECK: frit.sum
func.func @keeps_sum_of_rows(%x: !ab, %y: !ab) -> !a {
  %0 = frit.mul %x, %y : (!ab, !ab) -> !ab
  %1 = frit.sum %0 {over = #frit.axes<b>} : (!ab) -> !a
  return %1 : !a
}

// CHECK-LABEL: @max_of_broadcast
// CHECK-NEXT: %[[M:.*]] = frit.max %arg0 {over = #frit.axes<a>}
// CHECK-NEXT: return %arg0, %[[M]]
func.func @max_of_broadcast(%x: !a) -> (!a, !r) {
  %0 = frit.broadcast %x {axes = #frit.axes<a, b>} : (!a) -> !ab
  %1 = frit.max %0 {over = #frit.axes<b>} : (!ab) -> !a
  %2 = frit.max %0 {over = #frit.axes<a, b>} : (!ab) -> !r
  return %1, %2 : !a, !r
}

// CHECK-LABEL: @contract_nothing
// CHECK-NEXT: frit.mul %arg0, %arg1
func.func @contract_nothing(%x: !a, %y: !b) -> !ab {
  %0 = frit.contract %x, %y {over = #frit.axes<>} : (!a, !b) -> !ab
  return %0 : !ab
}

// Along b the left side only repeats itself: the right side is summed over b.
// CHECK-LABEL: @contract_broadcast
// CHECK-NEXT: %[[S:.*]] = frit.sum %arg1 {over = #frit.axes<b>}
// CHECK-NEXT: %[[P:.*]] = frit.mul %arg0, %[[S]]
// CHECK-NEXT: return %[[P]]
func.func @contract_broadcast(%x: !a, %y: tensor<4x5xf32, #frit.axes<b, c>>) -> !ac {
  %0 = frit.broadcast %x {axes = #frit.axes<a, b>} : (!a) -> !ab
  %1 = frit.contract %0, %y {over = #frit.axes<b>} : (!ab, tensor<4x5xf32, #frit.axes<b, c>>) -> !ac
  return %1 : !ac
}

//===-- Unused and equal --------------------------------------------------------------------===//

frit.state @w : !a {role = "parameter"}

// One read, one exp; nothing for what is not used.
// CHECK-LABEL: @unused_and_equal
// CHECK-NEXT: %[[W:.*]] = frit.read @w
// CHECK-NEXT: %[[E:.*]] = frit.exp %[[W]]
// CHECK-NEXT: %[[P:.*]] = frit.mul %[[E]], %[[E]]
// CHECK-NEXT: return %[[P]]
func.func @unused_and_equal() -> !a {
  %0 = frit.read @w : !a
  %1 = frit.read @w : !a
  %2 = frit.exp %0 : (!a) -> !a
  %3 = frit.exp %1 : (!a) -> !a
  %4 = frit.sin %0 : (!a) -> !a
  %5 = frit.mul %2, %3 : (!a, !a) -> !a
  %6 = frit.read @w : !a
  return %5 : !a
}
