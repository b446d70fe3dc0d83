// Being asked to stop: the first signal is remembered, the second ends the process at once.
#pragma once

namespace frit {

/// SIGINT, SIGTERM and SIGHUP are remembered from now on (unless they were ignored); writing past a
/// file size limit becomes an ordinary error.
void catchSignals();
/// The number of the signal that came, or 0.
int signalCaught();
/// "SIGINT"
const char *signalName(int number);

} // namespace frit
