// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// `sidestep replay FILE`: what an engine makes of what a detector was told, and whether that is what it made of it then.
#include <cstddef>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "cli/ask.hpp"
#include "cli/commands.hpp"
#include "cli/complain.hpp"
#include "cli/daemon_options.hpp"
#include "cli/report.hpp"
#include "common/file.hpp"
#include "detector/record/replay.hpp"

namespace sidestep {
namespace {

struct ReplayOptions {
    std::string file;
    bool json = false;
};

void replay_file(const ReplayOptions& options) {
    const auto text = read_file(options.file, record::kLargestRecording);
    if (!text) give_up(kExitBadInput, text.error().message);
    spdlog::set_level(spdlog::level::off);  // the engine logs as it does in a detector
    const auto replayed = record::replay(*text);
    if (!replayed) give_up(kExitBadInput, options.file + ": " + replayed.error().message);
    const nlohmann::json events{{"events", replayed->events}};
    print(options.json ? json_text(events, 2) : report_events(events));
    if (const auto differs = record::difference(*replayed); !differs.empty())
        give_up(kExitFailure, "not as it was recorded: " + differs);
    if (replayed->cut_off)
        complain(
            "sidestep: note: it ends before what its last input led to: the detector was killed, or could not write\n");
}

}  // namespace

void add_replay_command(CLI::App& app) {
    const auto options = std::make_shared<ReplayOptions>();
    auto* const command =
        app.add_subcommand("replay", "Print the events that follow from a file of sidestepd --record");
    command->add_option("file", options->file, "The recording")->type_name("FILE")->required();
    command->add_flag("--json", options->json, "Print JSON");
    command->callback([options] { replay_file(*options); });
}

}  // namespace sidestep
