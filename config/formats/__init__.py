"""How dates are written where Django's own formats are another country's habit or a form's: FORMAT_MODULE_PATH."""
