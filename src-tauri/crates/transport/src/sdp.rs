//! Session descriptions: what ours must say, and the checks a foreign one passes before the library sees it.
