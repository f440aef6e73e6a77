// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A program that we start in a network namespace, with its output captured; it is stopped with its owner.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/fd.hpp"
#include "topo/reaper.hpp"

namespace sidestep::topo {

struct SpawnOptions {
    int netns = -1;             ///< descriptor of the network namespace; -1: ours. The mount namespace stays ours.
    std::string input{};        ///< the program's standard input
    std::string output_file{};  ///< where standard output and error go; empty: into memory
    std::chrono::milliseconds stop_patience{2000};  ///< between SIGTERM and SIGKILL
    std::shared_ptr<const Reaper> reaper{};         ///< stops the program if we are killed
};

class Process {
  public:
    /// Starts argv[0] (searched in PATH); fails if it cannot be executed.
    static Result<Process> spawn(const std::vector<std::string>& argv, SpawnOptions options = {});

    Process(Process&&) noexcept = default;
    Process& operator=(Process&& other) noexcept;
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process() { stop(); }

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool running();
    /// Waits for the end; the exit code (128 + signal if one ended it), nullopt after `patience`.
    std::optional<int> wait(std::chrono::milliseconds patience);
    /// Sends SIGTERM, and SIGKILL after the patience; the exit code. Does nothing if the program has ended already.
    int stop();
    void signal(int number);
    /// Its output so far.
    [[nodiscard]] std::string output() const;

  private:
    Process(pid_t pid, Fd pidfd, Fd output, SpawnOptions options)
        : pid_(pid), pidfd_(std::move(pidfd)), output_(std::move(output)), options_(std::move(options)) {}

    pid_t pid_ = -1;
    Fd pidfd_;  ///< none once the program has been waited for
    Fd output_;
    SpawnOptions options_;
    int exit_code_ = -1;
};

/// Runs a program to its end. Returns its output if it exits with 0, or else an error with its output.
Result<std::string> run(const std::vector<std::string>& argv, SpawnOptions options = {},
                        std::chrono::milliseconds patience = std::chrono::minutes(1));

}  // namespace sidestep::topo
