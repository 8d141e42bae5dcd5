//! b
wit_bindgen::generate!({ world: "connector", path: "../wit", additional_derives: [PartialEq] });
