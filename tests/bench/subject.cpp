// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/subject.hpp"

namespace sidestep::bench {

Subject::Subject(std::string name)
    : name_(std::move(name)),
      lab_(must(topo::Lab::build_file(SIDESTEP_SOURCE_DIR "/topo/demo.yaml"))),
      cut_(must(lab_.install_cut(kLink))) {
    must(lab_.wait_reachable("S", "D"));
}

}  // namespace sidestep::bench
