#include "runtime/Signals.h"
#include <catch2/catch.hpp>
#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

/// Exit status of a child that runs `work`.
template <typename Work> static int inChild(Work work) {
  pid_t child = fork();
  if (child == 0) {
    work();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST_CASE("the first signal is remembered, the second ends the process") {
  CHECK(inChild([] {
          std::signal(SIGTERM, SIG_DFL);
          frit::catchSignals();
          raise(SIGTERM);
          _exit(frit::signalCaught() == SIGTERM ? 5 : 6);
        }) == 5);
  CHECK(inChild([] {
          std::signal(SIGINT, SIG_DFL);
          frit::catchSignals();
          raise(SIGINT);
          raise(SIGINT);
        }) == 128 + SIGINT);
}

TEST_CASE("a signal that was ignored stays ignored") {
  CHECK(inChild([] {
          std::signal(SIGHUP, SIG_IGN);
          frit::catchSignals();
          raise(SIGHUP);
          _exit(frit::signalCaught());
        }) == 0);
}
