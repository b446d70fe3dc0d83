// RUN: frit-opt %s --frit-differentiate --split-input-file --verify-diagnostics

!w = tensor<4xf32, #frit.axes<k>>

// An op without a rule on a real path is an error at that op.
func.func @no_rule(%w: !w) -> !w {
  // expected-error @below {{differentiation cannot pass through 'group': it has no derivative rule}}
  %y = frit.group(%w) {
  ^bb0(%x: !w):
    %e = frit.exp %x : (!w) -> !w
    frit.leave %e : !w
  } {kind = "elementwise"} : (!w) -> !w
  %l = frit.sum %y {over = #frit.axes<k>} : (!w) -> tensor<f32>
  %g = frit.gradient %l by %w : (tensor<f32>, !w) -> !w
  return %g : !w
}

// -----

!w = tensor<4xf32, #frit.axes<k>>

// The same op beside the path is not in the way.
func.func @no_rule_beside(%w: !w, %x: !w) -> !w {
  %y = frit.group(%x) {
  ^bb0(%z: !w):
    %e = frit.exp %z : (!w) -> !w
    frit.leave %e : !w
  } {kind = "elementwise"} : (!w) -> !w
  %p = frit.mul %y, %w : (!w, !w) -> !w
  %l = frit.sum %p {over = #frit.axes<k>} : (!w) -> tensor<f32>
  %g = frit.gradient %l by %w : (tensor<f32>, !w) -> !w
  return %g : !w
}

// -----

!w = tensor<4xf32, #frit.axes<k>>
frit.state @head.weight : !w {role = "parameter"}

// A parameter that the objective does not depend on.
func.func @independent(%x: !w) -> !w {
  %w = frit.read @head.weight : !w
  %l = frit.sum %x {over = #frit.axes<k>} : (!w) -> tensor<f32>
  // expected-error @below {{the objective does not depend on parameter 'head.weight'}}
  %g = frit.gradient %l by %w : (tensor<f32>, !w) -> !w
  return %g : !w
}

// -----

!w = tensor<4xf32, #frit.axes<k>>
frit.state @head.weight : !w {role = "parameter"}

// A parameter that only reaches the objective through a whole number.
func.func @through_a_position() -> !w {
  %w = frit.read @head.weight : !w
  %i = frit.argmax %w {over = #frit.axes<k>} : (!w) -> tensor<i32>
  %l = frit.cast %i {to = "f32"} : (tensor<i32>) -> tensor<f32>
  // expected-error @below {{the objective does not depend on parameter 'head.weight'}}
  %g = frit.gradient %l by %w : (tensor<f32>, !w) -> !w
  return %g : !w
}

// -----

!w = tensor<4xf32, #frit.axes<k>>

// A gradient inside a loop cannot go through what the loop carries.
func.func @out_of_the_loop(%w: !w) -> !w {
  %h = frit.scan(%w) slices() {
  ^bb0(%i: tensor<i32>, %c: !w):
    %y = frit.mul %c, %w : (!w, !w) -> !w
    %l = frit.sum %y {over = #frit.axes<k>} : (!w) -> tensor<f32>
    // expected-error @below {{differentiation cannot leave the loop around it}}
    %g = frit.gradient %l by %w : (tensor<f32>, !w) -> !w
    frit.yield %g : !w
  } {axis = "step", size = 3 : i64, kind = "time"} : (!w) -> !w
  return %h : !w
}
