// Derivative rules that are too long for a record, by the op they belong to.
#pragma once
#include "dialect/Frit.h"

namespace frit {

Terms contractGradient(ContractOp op, Build &build, Term g);
Terms gatherGradient(GatherOp op, Build &build, Term g);
Terms scatterGradient(ScatterOp op, Build &build, Term g);
Term cumsumGradient(CumSumOp op, Build &build, Term g);
Term topKGradient(TopKOp op, Build &build, Term g);
Term sortGradient(SortOp op, Build &build, Term g);

} // namespace frit
