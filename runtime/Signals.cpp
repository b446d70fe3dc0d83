#include "runtime/Signals.h"
#include <csignal>
#include <unistd.h>

static volatile std::sig_atomic_t caught = 0;

static void remember(int number) {
  if (caught)
    _exit(128 + number);
  caught = number;
}

void frit::catchSignals() {
  struct sigaction action = {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART;
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    // Started by nohup or in the background, the signal was meant to be ignored.
    struct sigaction before = {};
    sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN)
      sigaction(number, &action, nullptr);
  }
  std::signal(SIGXFSZ, SIG_IGN);
}

int frit::signalCaught() { return caught; }

const char *frit::signalName(int number) {
  return number == SIGINT ? "SIGINT" : number == SIGTERM ? "SIGTERM" : "SIGHUP";
}
